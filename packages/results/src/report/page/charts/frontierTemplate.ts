/** A score against a cost, each method a mark with its name beside it. Data is filled in by fillFrontier.ts. */
import type { Spec } from 'vega';
import { CONFIG, labelText, valueAxis } from './frame.ts';

const x = { scale: 'x', field: 'cost' } as const;
const y = { scale: 'y', field: 'score' } as const;
const colour = { field: 'colour' } as const;

export const FRONTIER_TEMPLATE: Spec = {
  width: 330,
  height: 270,
  padding: { left: 4, right: 12, top: 6, bottom: 4 },
  autosize: { type: 'fit', contains: 'padding' },
  config: CONFIG,
  signals: [
    { name: 'costTitle', value: '' },
    { name: 'ticks', value: '~s' },
    { name: 'scoreTitle', value: '' },
    { name: 'costRange', value: [1, 10] },
    { name: 'scoreRange', value: [0, 1] },
  ],
  data: [
    { name: 'points', values: [] },
    { name: 'front', values: [] },
    { name: 'levels', values: [] },
    { name: 'labels', values: [] },
  ],
  scales: [
    {
      name: 'x',
      type: 'log',
      range: 'width',
      // Names stand beside the outermost marks.
      domain: {
        signal:
          '[costRange[0] / pow(costRange[1] / costRange[0], 0.12), costRange[1] * pow(costRange[1] / costRange[0], 0.12)]',
      },
    },
    {
      name: 'y',
      type: 'linear',
      range: 'height',
      zero: false,
      nice: true,
      domain: { signal: 'scoreRange' },
    },
  ],
  axes: [
    {
      scale: 'x',
      orient: 'bottom',
      tickCount: 4,
      format: { signal: 'ticks' },
      labelOverlap: true,
      title: { signal: 'costTitle' },
    },
    valueAxis({ signal: 'scoreTitle' }),
  ],
  marks: [
    {
      type: 'rule',
      from: { data: 'levels' },
      encode: {
        update: {
          x: { value: 0 },
          x2: { signal: 'width' },
          y,
          stroke: { value: 'var(--bounds)' },
          strokeDash: { value: [3, 3] },
        },
      },
    },
    {
      type: 'text',
      from: { data: 'levels' },
      encode: {
        update: {
          x: { signal: 'width' },
          y,
          dy: { value: -4 },
          align: { value: 'right' },
          text: { field: 'label' },
          fill: { value: 'var(--soft)' },
          ...labelText,
        },
      },
    },
    {
      type: 'line',
      from: { data: 'front' },
      encode: {
        update: {
          x,
          y,
          interpolate: { value: 'step-after' },
          stroke: { value: 'var(--line-strong)' },
          strokeWidth: { value: 2 },
        },
      },
    },
    {
      type: 'rule',
      from: { data: 'points' },
      encode: {
        update: {
          x,
          y: { scale: 'y', field: 'low' },
          y2: { scale: 'y', field: 'high' },
          stroke: colour,
          strokeOpacity: { value: 0.55 },
        },
      },
    },
    {
      type: 'symbol',
      from: { data: 'points' },
      encode: {
        update: {
          x,
          y,
          shape: { field: 'shape' },
          size: { signal: 'datum.isOurs ? 150 : 62' },
          fill: colour,
          stroke: { value: 'var(--card)' },
          tooltip: { field: 'text' },
        },
      },
    },
    {
      type: 'text',
      from: { data: 'labels' },
      encode: {
        update: {
          x: { field: 'x' },
          y: { field: 'y' },
          align: { field: 'align' },
          baseline: { value: 'middle' },
          text: { field: 'label' },
          fill: { signal: "datum.isOurs ? 'var(--text)' : 'var(--soft)'" },
          fontWeight: { signal: "datum.isOurs ? 'bold' : 'normal'" },
          ...labelText,
        },
      },
    },
  ],
};
