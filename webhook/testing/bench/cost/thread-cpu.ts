import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CPU time of a process by what its threads do, in ms. */
export interface ThreadCpu {
  total: number;
  /** The recorder, the observer and everything that has no thread of its own. */
  main: number;
  /** The admission endpoint. */
  answering: number;
  /** The ledger's writer. */
  writer: number;
  /** Node's own: the compiler, garbage collection beside the others, files; and the threads that answer questions. */
  others: number;
  /** Of the first three: their own garbage collection, by the clock. */
  garbage: number;
}

/** The threads of the server, by the programs that scripts/build.mjs makes. */
const PARTS: Readonly<Record<string, 'main' | 'answering' | 'writer'>> = {
  'kubeblame-webhook.js': 'main',
  'admission-gate.js': 'answering',
  'ledger-writer.js': 'writer',
};

/**
 * What a process has used so far. `threads`: the folder in which its threads tell who they are (thread-clock.mjs). By the
 * scheduler's own clock, /proc/PID/task/TID/schedstat, whose first field is in ns; threads that have ended are not in it.
 */
export function threadCpu(pid: number, threads: string): ThreadCpu {
  const cpu = { total: 0, main: 0, answering: 0, writer: 0, others: 0, garbage: 0 };
  const known = new Set(readdirSync(threads));
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    const ms = Number(stat.split(' ')[0]) / 1e6;
    cpu.total += ms;
    if (!known.has(thread)) {
      cpu.others += ms;
      continue;
    }
    const { program, garbageMs } = JSON.parse(readFileSync(join(threads, thread), 'utf8')) as {
      program: string;
      garbageMs: number;
    };
    cpu[PARTS[program] ?? 'others'] += ms;
    cpu.garbage += garbageMs;
  }
  return cpu;
}

/** What was used between two moments. */
export function cpuSince(before: ThreadCpu, after: ThreadCpu): ThreadCpu {
  const since = (name: keyof ThreadCpu): number => after[name] - before[name];
  return {
    total: since('total'),
    main: since('main'),
    answering: since('answering'),
    writer: since('writer'),
    others: since('others'),
    garbage: since('garbage'),
  };
}

/** CPU time of all threads of a process so far, in ms; NaN where /proc does not tell (proc(5): ticks of 10 ms). */
export function processCpuMs(pid: number): number {
  const fields = procFile(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A file of /proc/PID; '' where there is none. */
export function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
