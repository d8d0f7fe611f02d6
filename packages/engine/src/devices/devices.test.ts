import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Tf32Error } from '../run/tf32.ts';
import { neededLibraries, runtimeVersionIn } from './elf.ts';
import { cudaEnvironment, cudaFolders } from './environment.ts';
import { foldersWith, providerLibraries } from './libraries.ts';
import { nvidiaCards } from './nvidia.ts';
import { probeExecutor } from './probe.ts';
import { cudaObstacle, PROVIDER_FILES, runtimePackage } from './provider.ts';
import { oneLine } from './reason.ts';
import { vulkanDrivers, withoutSoftwareAdapters } from './vulkan.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'psoft-devices-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string, text: string | Buffer = '') => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const runtime = runtimePackage();

describe('the runtime', () => {
  test.runIf(isLinux)('its library says its version, and what it needs', () => {
    const library = path.join(runtime.libraries!, 'libonnxruntime.so.1');
    expect(runtimeVersionIn(library)).toBe(runtime.version);
    expect(neededLibraries(library)).toContain('libc.so.6');
    const binding = path.join(runtime.libraries!, 'onnxruntime_binding.node');
    expect(neededLibraries(binding)[0]).toBe('libonnxruntime.so.1');
  });

  test('what is no library is said to be none', () => {
    expect(() => neededLibraries(place('text.so', 'no library'.repeat(20)))).toThrow(/no shared library/);
    expect(() => neededLibraries(place('short.so', 'ELF'))).toThrow(/ends before it should/);
    expect(runtimeVersionIn(place('none.so', 'version 1.30.0, not between zeros'))).toBeUndefined();
  });

  test('CUDA is not tried where it cannot be', () => {
    const linux = { platform: 'linux', arch: 'x64' };
    const bare = { version: '1.30.0', folder, libraries: folder };
    expect(cudaObstacle(bare, linux)).toMatch(/without its CUDA provider .*: npm run cuda/);
    expect(cudaObstacle(bare, { platform: 'darwin', arch: 'arm64' })).toMatch(/Linux x64 only/);
    const whole = path.join(folder, 'whole');
    for (const name of PROVIDER_FILES) place(`whole/${name}`);
    expect(cudaObstacle({ ...bare, libraries: whole }, linux)).toBeUndefined();
  });
});

describe.runIf(isLinux)('libraries', () => {
  test('are found in the loader’s folders, else in those that were noted, else with a remedy', () => {
    // Node's own binding stands in for a provider: what it needs beside the system's is known.
    const binding = path.join(runtime.libraries!, 'onnxruntime_binding.node');
    const searched = path.dirname(place('searched/libcudnn.so.9'));
    const find = (environment: NodeJS.ProcessEnv, noted: readonly string[]) =>
      providerLibraries(binding, environment, noted).libraries;
    expect(find({}, [runtime.libraries!])).toMatchObject([
      {
        name: 'libonnxruntime.so.1',
        file: path.join(runtime.libraries!, 'libonnxruntime.so.1'),
        isSearched: false,
      },
      {
        name: 'libcudnn.so.9',
        remedy: expect.stringMatching(/nvidia-cudnn-cu12.*npm run cuda -- --libraries/),
      },
    ]);
    expect(find({ LD_LIBRARY_PATH: searched }, [])[1]).toMatchObject({
      file: path.join(searched, 'libcudnn.so.9'),
      isSearched: true,
    });
  });

  test('folders of wheels are found below what is given', () => {
    place('site/nvidia/cublas/lib/libcublas.so.12');
    place('site/nvidia/cudnn/lib/libcudnn.so.9');
    place('site/nvidia/cudnn/include/cudnn.h');
    expect(foldersWith(['libcublas.so.12', 'libcudnn.so.9'], [path.join(folder, 'site')])).toEqual([
      path.join(folder, 'site/nvidia/cublas/lib'),
      path.join(folder, 'site/nvidia/cudnn/lib'),
    ]);
  });
});

describe('the environment of CUDA', () => {
  test('forbids TF32 unless it is asked for, and adds noted folders once', () => {
    expect(cudaEnvironment('f32', {}, [])).toEqual({ NVIDIA_TF32_OVERRIDE: '0' });
    expect(cudaEnvironment('bf16', {}, [])).toEqual({ NVIDIA_TF32_OVERRIDE: '0' });
    expect(cudaEnvironment('tf32', { LD_LIBRARY_PATH: '/a:/b' }, ['/b', '/c'])).toEqual({
      LD_LIBRARY_PATH: '/a:/b:/c',
    });
  });

  test('a damaged note says what mends it', () => {
    expect(cudaFolders(place('note.json', '{"folders": ["/x"]}'))).toEqual(['/x']);
    expect(() => cudaFolders(place('bad.json', '{"folders": 1}'))).toThrow(/npm run cuda again/);
  });

  test('one state a process', async () => {
    const { settleTf32, tf32State } = await import('../run/tf32.ts');
    expect(tf32State()).toBeUndefined();
    expect(() => settleTf32(true, { NVIDIA_TF32_OVERRIDE: '0' })).toThrow(/unset the variable/);
    const environment: NodeJS.ProcessEnv = {};
    settleTf32(false, environment);
    expect(environment.NVIDIA_TF32_OVERRIDE).toBe('0');
    expect(tf32State()).toBe(false);
    expect(() => settleTf32(true, {})).toThrow(Tf32Error);
  });
});

test('cards are read from what nvidia-smi says', () => {
  const said = 'NVIDIA H100 80GB HBM3, 81559, 4, 580.95.05, 9.0\n';
  expect(nvidiaCards(() => said)).toEqual([
    {
      name: 'NVIDIA H100 80GB HBM3',
      memoryBytes: 81559 * 2 ** 20,
      usedBytes: 4 * 2 ** 20,
      driver: '580.95.05',
      computeCapability: '9.0',
    },
  ]);
  expect(nvidiaCards(() => 'No devices were found\n')).toEqual([]);
  expect(
    nvidiaCards(() => {
      throw new Error('ENOENT');
    }),
  ).toEqual([]);
});

test('drivers that draw on the CPU are no card', () => {
  const [card, software] = [place('icd/radeon_icd.json'), place('icd/lvp_icd.x86_64.json')];
  const environment = { VK_DRIVER_FILES: [card, software, '/none.json'].join(path.delimiter) };
  expect(vulkanDrivers(environment)).toEqual({ manifests: [card, software], hardware: [card] });
  if (process.platform === 'linux')
    expect(withoutSoftwareAdapters(environment)).toMatchObject({ VK_ICD_FILENAMES: card });
});

test('a runtime’s words are made short', () => {
  const said =
    '/onnxruntime_src/x.cc:136 f()::<lambda()> status == Success was false. Failed to get a WebGPU adapter: none\nmore';
  expect(oneLine(said)).toBe('Failed to get a WebGPU adapter: none');
  expect(oneLine('plain\nmore')).toBe('plain');
  expect(
    oneLine(
      '/onnxruntime_src/x.cc:154 f() [with T = int] /onnxruntime_src/x.cc:148 f() CUDA failure 35: CUDA driver version is insufficient ; GPU=0 ; hostname=somebody ; file=x.cc ; expr=cudaSetDevice(0);',
    ),
  ).toBe('CUDA failure 35: CUDA driver version is insufficient');
});

describe('probes', () => {
  test('the CPU multiplies as float64 does, but for rounding', async () => {
    const probe = await probeExecutor('cpu');
    expect(probe).toMatchObject({ executor: 'cpu', isUsable: true });
    expect(probe.isUsable && probe.largestError).toBeLessThan(1e-5);
    expect(probe.isUsable && probe.largestError).toBeGreaterThan(0);
  });

  test.each(['eager-cpu', 'eager-wasm'] as const)('%s does, too', async (executor) => {
    const probe = await probeExecutor(executor);
    expect(probe).toMatchObject({ executor, isUsable: true });
    expect(probe.isUsable && probe.largestError).toBeLessThan(1e-5);
  });

  test('a driver that takes its process down, or hangs, is an answer', async () => {
    const script = (name: string, text: string) => probeExecutor('webgpu', { script: place(name, text) });
    expect(await script('abort.mjs', 'console.error("driver: no"); process.abort();')).toEqual({
      executor: 'webgpu',
      isUsable: false,
      reason: expect.stringMatching(/took the process down \(SIGABRT\)/),
    });
    const hanging = place('hang.mjs', 'setInterval(() => {}, 1000);');
    expect(await probeExecutor('cpu', { script: hanging, timeoutMilliseconds: 300 })).toMatchObject({
      isUsable: false,
      reason: expect.stringMatching(/did not answer within 0.3 s/),
    });
  });

  test.skipIf(isLinux && cudaObstacle() === undefined)(
    'CUDA without its provider says how to get it',
    async () => {
      expect(await probeExecutor('cuda')).toMatchObject({
        isUsable: false,
        reason: expect.stringMatching(isLinux ? /npm run cuda/ : /Linux x64 only/),
      });
    },
  );
});
