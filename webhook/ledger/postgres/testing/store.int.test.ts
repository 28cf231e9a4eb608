import { useFolder } from '../../../testing/folder.ts';
import { useDatabase } from '../../../testing/server/postgres.ts';
import { storeContract } from '../../port/contract/contract.ts';
import { mirror } from './mirror.ts';
import { mirroredStore } from './mirrored-store.ts';

describe('a ledger at the hub', () => {
  const file = useFolder({ verify: false });
  const { pool } = useDatabase();

  storeContract(async () => mirroredStore(pool(), await mirror(pool(), file('ledger.db'))));
});
