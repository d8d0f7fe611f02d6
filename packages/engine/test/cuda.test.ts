/** What `npm run cuda` does to a runtime's folder, with libraries that only look like the provider's. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { AddError } from '../scripts/command.ts';
import { noteLibraries } from '../scripts/cuda/libraries.ts';
import { bringProvider } from '../scripts/cuda/provider.ts';
import { cudaFolders, missingProviderFiles, PROVIDER_FILES, runtimePackage } from '../src/devices/index.ts';

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const folder = mkdtempSync(path.join(os.tmpdir(), 'psoft-add-cuda-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
/** A runtime without provider, whose install script does what is said. */
function runtimeWith(script?: string) {
  const place = path.join(folder, `runtime${count++}`);
  const libraries = path.join(place, 'bin');
  mkdirSync(libraries, { recursive: true });
  if (script !== undefined) {
    mkdirSync(path.join(place, 'script'));
    writeFileSync(path.join(place, 'script', 'install.js'), script);
  }
  return { version: '1.30.0', folder: place, libraries };
}

const provider = (version: string) => `ELF and so on\u0000${version}\u0000 and more`;
function carriedIn(name: string, version: string, names: readonly string[] = PROVIDER_FILES): string {
  const inner = path.join(folder, name, 'onnxruntime', 'capi');
  mkdirSync(inner, { recursive: true });
  for (const one of names) writeFileSync(path.join(inner, one), provider(version));
  return path.join(folder, name);
}

describe('the provider', () => {
  let runtime: ReturnType<typeof runtimeWith>;
  beforeEach(() => {
    runtime = runtimeWith();
  });

  test('is taken from a folder and from archives', async () => {
    const source = carriedIn('wheel', '1.30.0');
    expect(await bringProvider(runtime, source)).toBe('copied');
    expect(missingProviderFiles(runtime)).toEqual([]);
    expect(readFileSync(path.join(runtime.libraries, PROVIDER_FILES[0]), 'latin1')).toBe(provider('1.30.0'));
    expect(await bringProvider(runtime, undefined)).toBe('there');

    const tar = path.join(folder, 'provider.tar.gz');
    execFileSync('tar', ['-czf', tar, '-C', source, '.']);
    const other = runtimeWith();
    await bringProvider(other, tar);
    expect(missingProviderFiles(other)).toEqual([]);

    const zip = path.join(folder, 'provider.whl');
    writeFileSync(zip, zipOf(PROVIDER_FILES.map((name) => [`onnxruntime/capi/${name}`, provider('1.30.0')])));
    const third = runtimeWith();
    await bringProvider(third, zip);
    expect(missingProviderFiles(third)).toEqual([]);
  });

  test('of another version, or half of it, changes nothing', async () => {
    await expect(bringProvider(runtime, carriedIn('old', '1.29.0'))).rejects.toThrow(
      /is of ONNX Runtime 1\.29\.0, and onnxruntime-node is 1\.30\.0/,
    );
    const half = carriedIn('half', '1.30.0', [PROVIDER_FILES[0]]);
    await expect(bringProvider(runtime, half)).rejects.toThrow(
      /holds no libonnxruntime_providers_shared\.so/,
    );
    await expect(bringProvider(runtime, path.join(folder, 'none'))).rejects.toThrow(/there is no /);
    writeFileSync(path.join(folder, 'text.txt'), '');
    await expect(bringProvider(runtime, path.join(folder, 'text.txt'))).rejects.toThrow(/ends in none of/);
    expect(missingProviderFiles(runtime)).toEqual(PROVIDER_FILES);
  });

  test('is downloaded by the package’s own script, whose failure is one line with the other ways', async () => {
    const script = (body: string) => `const fs = require('fs'); const path = require('path'); ${body}`;
    const working = runtimeWith(
      script(`if (process.argv[2] !== '--onnxruntime-node-install') process.exit(3);
        for (const name of ${JSON.stringify(PROVIDER_FILES)})
          fs.writeFileSync(path.join(__dirname, '../bin', name), ${JSON.stringify(provider('1.30.0'))});`),
    );
    expect(await bringProvider(working, undefined)).toBe('downloaded');
    const offline = runtimeWith(script(`throw new Error('getaddrinfo ENOTFOUND feed');`));
    const failed = bringProvider(offline, undefined);
    await expect(failed).rejects.toThrow(AddError);
    await expect(failed).rejects.toThrow(
      /failed \(Error: getaddrinfo ENOTFOUND feed\): take them from elsewhere: npm run cuda -- --from FILE/,
    );
    await expect(bringProvider(runtimeWith(script('')), undefined)).rejects.toThrow(/without bringing/);
  });
});

test.runIf(isLinux)('folders of libraries are noted for runs', async () => {
  // Node's binding stands in: it needs ONNX Runtime's library, which lies beside it and nowhere the loader looks.
  const { libraries } = runtimePackage();
  const note = path.join(folder, 'note', 'libraries.json');
  const noted = await noteLibraries(
    path.join(libraries!, 'onnxruntime_binding.node'),
    [path.dirname(libraries!)],
    note,
  );
  expect(noted.folders).toContain(libraries);
  expect(cudaFolders(note)).toEqual(noted.folders);
  expect(noted.libraries[0]).toMatchObject({ name: 'libonnxruntime.so.1', isSearched: false });
});

/** A zip archive of stored files. */
function zipOf(files: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const [label, data] = [Buffer.from(name), Buffer.from(text, 'latin1')];
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(label.length, 22);
    parts.push(Buffer.from('PK\u0003\u0004', 'latin1'), fields, label, data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'), fields, place, label);
    offset += 30 + label.length + data.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}

function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
