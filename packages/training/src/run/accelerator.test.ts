import { expect, test } from 'vitest';
import { vulkanDevice } from './accelerator.ts';

const device = (type: string, name: string, info = '') =>
  `\tapiVersion         = 1.3.230
\tdeviceType         = PHYSICAL_DEVICE_TYPE_${type}
\tdeviceName         = ${name}
\tdriverName         = driver of ${name}
\tdriverInfo         = ${info}
`;
const summary = (...devices: string[]) =>
  `==========\nVULKANINFO\n==========\n\nDevices:\n========\n${devices.map((one, i) => `GPU${i}:\n${one}`).join('')}`;

test.each([
  [
    [device('CPU', 'llvmpipe', 'Mesa 25.0.7'), device('DISCRETE_GPU', 'NVIDIA H100', '550.54.15')],
    'NVIDIA H100 (550.54.15)',
  ],
  [
    [device('INTEGRATED_GPU', 'Intel Iris'), device('VIRTUAL_GPU', 'virtio')],
    'Intel Iris (driver of Intel Iris)',
  ],
  [[], undefined],
])('the device that Dawn takes (%#)', (devices, expected) => {
  expect(vulkanDevice(summary(...devices))).toBe(expected);
});

test('no summary, no name', () => expect(vulkanDevice('')).toBeUndefined());
