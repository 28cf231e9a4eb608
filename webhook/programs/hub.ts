import { createHubProgram } from './hub/cli.ts';

await createHubProgram().parseAsync();
