#!/usr/bin/env bash
# The benchmarks of devices as a folder that needs no network, no package manager and no clone: Node 20 and a driver.
# Usage: tools/portable.sh FOLDER, then there `node webgpu.mjs` and `node speed.mjs --device=webgpu`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
esbuild=packages/results/node_modules/.bin/esbuild
# Some libraries inside call `require`, which a module has not.
banner="import { createRequire as makeRequire } from 'node:module'; globalThis.require ??= makeRequire(import.meta.url);"
for bench in speed webgpu; do
  "$esbuild" "packages/cli/bench/$bench.ts" --bundle --platform=node --format=esm --target=node20 --log-level=warning \
    --external:onnxruntime-node --banner:js="$banner" --outfile="$out/$bench.mjs"
done
# The engine asks for it by `require`, which a bundler cannot follow.
entry=$(cd packages/engine && node -p "require.resolve('@tensorflow/tfjs')")
"$esbuild" "$entry" --bundle --platform=node --format=cjs --target=node20 --log-level=error \
  --outfile="$out/node_modules/@tensorflow/tfjs/index.js"
for name in onnxruntime-node onnxruntime-common; do
  from=$(cd packages/engine && node -p "
    const own = require('node:path').dirname(require.resolve('onnxruntime-node/package.json'));
    '$name' === 'onnxruntime-node' ? own : require('node:path').join(own, '../onnxruntime-common')")
  mkdir -p "$out/node_modules/$name"
  cp -rL "$from/." "$out/node_modules/$name/"
done
# Of the binaries, this platform's alone.
find "$out"/node_modules/onnxruntime-node/bin/napi-v*/* -maxdepth 1 -mindepth 1 -type d |
  grep -v "/$(node -p 'process.platform + "/" + process.arch')\$" | xargs rm -rf
du -sh "$out"
