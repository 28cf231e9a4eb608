import { openSync, readlinkSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';

/*
 * Loaded first by every thread of the server that the bench measures: leaves a file, named after the number that Linux gives the
 * thread, with the thread's program and how long its own garbage collection has taken so far (ms; the time of the clock, which is
 * more than the CPU time where the machine is busy). perf_hooks tells that only inside of the thread.
 */
const folder = process.env.KUBEBLAME_BENCH_THREADS ?? '';
const thread = basename(readlinkSync('/proc/thread-self'));
const file = openSync(join(folder, thread), 'w');
const program = basename(process.argv[1] ?? '');
let garbageMs = 0;

function tell() {
  // Padded: a longer text must not show behind a shorter one.
  writeSync(file, JSON.stringify({ program, garbageMs }).padEnd(120), 0);
}

tell();
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) garbageMs += duration;
  tell();
}).observe({ entryTypes: ['gc'] });
