import { register } from 'tsx/esm/api';

// In the sources only: tsx does not reach into a thread that is started from a TypeScript file.
register();
await import(process.argv[2]);
