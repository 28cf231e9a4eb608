import type { AskName, Asks } from '../worker/protocol.ts';

interface Waiting {
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
}

/** Asks the worker, which has the facts of the loaded window. */
export class WorkerClient {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data }: MessageEvent<{ id: number; answer?: never; error?: string }>) => {
      const { id, error } = data;
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) waiting?.resolve(data.answer as never);
      else waiting?.reject(new Error(error));
    };
  }

  ask<Name extends AskName>(name: Name, asked: Asks[Name][0]): Promise<Asks[Name][1]> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, name, asked });
    });
  }
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/** Starts the worker. Under the page's policy (Trusted Types) no other script can be started. */
export function startWorker(): WorkerClient {
  const path = '/worker.js';
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('kubeblame', {
    createScriptURL: (url) => {
      if (url !== path) throw new TypeError('not a script of this page');
      return url;
    },
  });
  return new WorkerClient(new Worker(policy?.createScriptURL(path) ?? path, { type: 'module' }));
}
