/**
 * `npm run cuda -- [--from FILE|FOLDER] [--libraries FOLDER]`: brings ONNX Runtime's CUDA provider to this checkout, finds
 * NVIDIA's libraries and tries a product on the card. No file under version control changes.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cudaObstacle, PROVIDER_FILES, probeExecutor, runtimePackage } from '../src/devices/index.ts';
import { AddError } from './command.ts';
import { noteLibraries } from './cuda/libraries.ts';
import { bringProvider } from './cuda/provider.ts';

const USAGE = `npm run cuda -- [--from FILE|FOLDER] [--libraries FOLDER]...
  --from FILE|FOLDER   the provider from here instead of a download: the Python wheel onnxruntime-gpu (.whl), the NuGet
                       package Microsoft.ML.OnnxRuntime.Gpu.Linux (.nupkg), an archive (.zip, .tar, .tar.gz, .tar.xz) or a
                       folder that holds ${PROVIDER_FILES.join(' and ')}; of onnxruntime-node's version
  --libraries FOLDER   below which libraries of CUDA and cuDNN lie that the system does not find by itself; may be repeated`;

async function add(from: string | undefined, folders: readonly string[]): Promise<void> {
  const { platform, arch } = process;
  const runtime = runtimePackage();
  if (platform !== 'linux' || arch !== 'x64') throw new AddError(cudaObstacle(runtime)!);
  const outcome = await bringProvider(runtime, from);
  console.log(
    `${outcome === 'there' ? 'already there' : outcome}: the CUDA provider of ONNX Runtime ${runtime.version}`,
  );
  const provider = path.join(runtime.libraries!, PROVIDER_FILES[0]);
  const { cudaMajor, libraries, folders: noted } = await noteLibraries(provider, folders);
  console.log(`it is made for CUDA ${cudaMajor ?? 'of an unknown version'} and needs`);
  for (const { name, file, remedy } of libraries)
    console.log(`  ${name.padEnd(20)} ${file ?? `missing: ${remedy}`}`);
  if (noted.length > 0) console.log(`runs will look into ${noted.join(', ')}`);
  const probe = await probeExecutor('cuda');
  console.log(
    probe.isUsable
      ? `a product on the card is right, off by ${probe.largestError.toExponential(1)}: --device cuda`
      : `the card cannot be used yet: ${probe.reason}; psoft doctor --device cuda looks again`,
  );
}

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    libraries: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean' },
  },
});
if (values.help) console.log(USAGE);
else
  try {
    await add(values.from, values.libraries);
  } catch (error) {
    if (!(error instanceof AddError)) throw error;
    console.error(`CUDA was not added: ${error.message}`);
    process.exitCode = 1;
  }
