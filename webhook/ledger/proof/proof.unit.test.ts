import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { originOf, readCheckpoint, signCheckpoint, splitNotes } from './checkpoint.ts';
import { MerkleTree } from './merkle.ts';
import { openNote, readSigner, readVerifier, signerOf, signNote } from './note.ts';

const sha256 = (...parts: Buffer[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');

/** RFC 6962, section 2.1, word for word. */
function rfcRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return sha256(Buffer.from([0]), only);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.from([1]), rfcRoot(leaves.slice(0, k)), rfcRoot(leaves.slice(k)));
}

describe('the Merkle tree', () => {
  it('has the root that RFC 6962 defines, also where it goes on from its edge', () => {
    const leaf = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 70 }), fc.nat(), (leaves, at) => {
        const cut = leaves.length === 0 ? 0 : at % leaves.length;
        const first = MerkleTree.empty();
        for (const bytes of leaves.slice(0, cut)) first.add(bytes);
        const tree = MerkleTree.from(first.size, first.bytes);
        for (const bytes of leaves.slice(cut)) tree.add(bytes);
        assert.equal(tree.size, leaves.length);
        assert.deepEqual(tree.root(), rfcRoot(leaves));
      }),
    );
  });

  it('has the roots that certificate transparency tests with', () => {
    // github.com/transparency-dev/merkle, testonly/constants.go: inputs and roots.
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const roots = [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ];
    const tree = MerkleTree.empty();
    for (const [index, input] of inputs.entries()) {
      tree.add(Buffer.from(input, 'hex'));
      assert.equal(tree.root().toString('hex'), roots[index]);
    }
  });

  it('refuses what is not an edge', () => {
    assert.throws(() => MerkleTree.from(3, Buffer.alloc(32)), RangeError);
  });
});

describe('a signed note', () => {
  const signer = signerOf('kubeblame.io/ledger/shop/00', Buffer.alloc(32, 7));

  it('opens with the key that signed it, and no other', () => {
    const note = signNote('hello\n', signer);
    assert.deepEqual(openNote(note, [readVerifier(signer.verifier.text)])?.text, 'hello\n');
    assert.equal(openNote(note, [signerOf(signer.verifier.name, Buffer.alloc(32, 8)).verifier]), null);
    assert.equal(openNote(note.replace('hello', 'hullo'), [signer.verifier]), null);
    assert.equal(openNote('hello\n', [signer.verifier]), null);
  });

  it("is what Go's note package signs and verifies", () => {
    // The example of golang.org/x/mod/sumdb/note.
    const verifier = readVerifier('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
    const note =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n" +
      '\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
    assert.equal(openNote(note, [verifier])?.by.name, 'PeterNeumann');
    const go = readSigner('PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz');
    assert.equal(go.verifier.text, verifier.text);
    assert.equal(signNote(note.slice(0, note.indexOf('\n—')), go), note);
  });

  it('never shows a private key in an error', () => {
    assert.throws(
      () => readSigner(signer.text.slice(0, -6)),
      (error: Error) => !error.message.includes(signer.text.slice(-30, -10)),
    );
  });
});

describe('a checkpoint', () => {
  const origin = originOf('my + cluster', Buffer.from('00112233445566778899aabbccddeeff', 'hex'));
  const signer = signerOf(origin, Buffer.alloc(32, 1));

  it('names the ledger, the number of commits, and the root', () => {
    const note = signCheckpoint({ origin, size: 12, root: Buffer.alloc(32, 9) }, signer);
    assert.match(note, /^kubeblame\.io\/ledger\/my%20%2B%20cluster\/0011223344556677\n12\nCQkJ[^\n]+=\n\n— kubeblame/);
    const read = readCheckpoint(note, [signer.verifier]);
    assert.deepEqual(read?.head, { origin, size: 12, root: Buffer.alloc(32, 9) });
    assert.equal(read?.by?.text, signer.verifier.text);
    assert.equal(readCheckpoint(note.replace('\n12\n', '\n13\n'), [signer.verifier])?.by, null);
    assert.equal(readCheckpoint('no checkpoint', []), null);
  });

  it('is found among others', () => {
    const notes = [1, 2, 3].map((size) => signCheckpoint({ origin, size, root: Buffer.alloc(32) }, signer));
    assert.deepEqual(splitNotes(notes.join('\n')), notes);
    assert.deepEqual(splitNotes(''), []);
  });
});
