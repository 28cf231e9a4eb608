import { Agent, request } from 'node:https';

export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Sends lanes of bodies to a server, each lane over a keep-alive connection of its own, the next body as soon as the
 * answer is there. Rejects where one is not answered with 200.
 */
export async function load(url: string, ca: Buffer, lanes: readonly (readonly Buffer[])[]): Promise<LoadResult> {
  const connections = lanes.length;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  const times: number[] = [];
  const send = async (bodies: readonly Buffer[]): Promise<void> => {
    for (const body of bodies) {
      const started = performance.now();
      await post(url, agent, body);
      times.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(lanes.map(send));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { requestsPerSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function post(url: string, agent: Agent, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`answered with ${String(response.statusCode)}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
