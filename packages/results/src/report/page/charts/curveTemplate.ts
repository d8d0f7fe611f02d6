/** Learning curves of one task: bold the means over seeds, thin the seeds. The script fills in the data. */
import type { Spec } from 'vega';
import { CONFIG, valueAxis } from './frame.ts';

const x = { scale: 'x', field: 'epoch' } as const;
const y = { scale: 'y', field: 'value' } as const;
const line = { x, y, stroke: { field: 'colour' }, strokeDash: { field: 'dash' } } as const;
/** What is pointed at stands out; without anything all do. */
const faded = (opacity: number) => ({
  signal: `focus === '' || datum.key === focus ? ${opacity} : ${opacity / 8}`,
});

export const CURVE_TEMPLATE: Spec = {
  width: 520,
  height: 300,
  padding: { left: 4, right: 10, top: 8, bottom: 4 },
  autosize: { type: 'fit', contains: 'padding' },
  config: CONFIG,
  signals: [
    { name: 'focus', value: '' },
    { name: 'valueTitle', value: '' },
    { name: 'epochRange', value: [0, 1] },
    { name: 'valueRange', value: [0, 1] },
  ],
  data: [
    { name: 'seeds', values: [] },
    { name: 'means', values: [] },
  ],
  scales: [
    {
      name: 'x',
      type: 'linear',
      range: 'width',
      zero: false,
      domain: { signal: 'epochRange' },
    },
    {
      name: 'y',
      type: 'linear',
      range: 'height',
      zero: false,
      nice: true,
      domain: { signal: 'valueRange' },
    },
  ],
  axes: [
    { scale: 'x', orient: 'bottom', title: 'epoch', format: 'd', tickMinStep: 1, tickCount: 10 },
    valueAxis({ signal: 'valueTitle' }),
  ],
  marks: [
    {
      type: 'group',
      from: { facet: { name: 'seed', data: 'seeds', groupby: ['key', 'seed'] } },
      marks: [
        {
          type: 'line',
          from: { data: 'seed' },
          encode: { update: { ...line, strokeWidth: { value: 1 }, strokeOpacity: faded(0.4) } },
        },
      ],
    },
    {
      type: 'group',
      from: { facet: { name: 'mean', data: 'means', groupby: ['key'] } },
      marks: [
        {
          type: 'line',
          from: { data: 'mean' },
          encode: { update: { ...line, strokeWidth: { field: 'width' }, strokeOpacity: faded(1) } },
        },
        {
          type: 'symbol',
          from: { data: 'mean' },
          encode: {
            update: {
              x,
              y,
              size: { value: 36 },
              fill: { field: 'colour' },
              fillOpacity: faded(1),
              tooltip: { field: 'text' },
            },
          },
        },
      ],
    },
  ],
};
