/** Scores against what they cost: trained values, memory, time of a step. */
import { paretoFront } from '../../../charts/frontier.ts';
import type { RunRecord } from '../../../schema.ts';
import { formatCount, spreadOf } from '../../../summary.ts';
import { styleOf } from '../methods.ts';
import type { TableRuns } from './selection.ts';
import { measuredTogether } from './together.ts';
import type { FrontierChart, FrontierDatum } from './types.ts';
import { type Standing, verdictOf } from './verdict.ts';

interface Cost {
  readonly id: string;
  readonly title: string;
  readonly read: (record: RunRecord, profile: string) => number | undefined;
  readonly format: (value: number) => string;
  /** Of the axis, in d3's language. */
  readonly ticks: string;
  /** Depends on what ran it. */
  readonly isOfMachine: boolean;
}

export const COSTS: readonly Cost[] = [
  {
    id: 'parameters',
    title: 'trained parameters, head not counted',
    read: ({ trainInfo }) => trainInfo.parameters.trainableWithoutHead,
    format: (value) => `${formatCount(Math.round(value))} trained`,
    ticks: '~s',
    isOfMachine: false,
  },
  {
    id: 'memory',
    title: 'peak memory, GB',
    read: ({ trainInfo }, profile) => {
      const bytes = profile === 'paper' ? trainInfo.peakDeviceMemoryBytes : trainInfo.peakMemoryBytes;
      return bytes === undefined ? undefined : bytes / 1e9;
    },
    format: (value) => `${value.toFixed(2)} GB`,
    ticks: '~r',
    isOfMachine: true,
  },
  {
    id: 'time',
    title: 'median time of a training step, ms',
    read: ({ trainInfo }) => trainInfo.stepMilliseconds,
    format: (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms a step`,
    ticks: '~r',
    isOfMachine: true,
  },
];

export interface Frontiers {
  readonly charts: readonly FrontierChart[];
  /** Of the costs that depend on a machine. */
  readonly notes: readonly string[];
}

/** One chart a cost; none where fewer than two methods have a score. Costs are means over the trainings of a row. */
export function frontiersOf({ table, trainings }: TableRuns): Frontiers {
  const { trainings: together, notes } = measuredTogether(trainings);
  const { standings, scoreTitle, digits } = verdictOf(table);
  const charts = COSTS.flatMap((cost): FrontierChart[] => {
    const priced = standings.flatMap((standing) => {
      const values = ((cost.isOfMachine ? together : trainings).get(standing.row.key) ?? []).flatMap(
        (record) => cost.read(record, table.profile) ?? [],
      );
      return values.length === 0 ? [] : [{ standing, cost: spreadOf(values).mean }];
    });
    // The head alone and the untuned model are what others are measured from: levels, not points far below them.
    const isFloor = ({ row }: Standing) => row.role === 'apart' && row.key !== 'full';
    const points = priced.filter((one) => one.cost > 0 && !isFloor(one.standing));
    const levels = standings.filter(isFloor);
    if (points.length < 2) return [];
    const data = points.map((point) => datum(point.standing, point.cost, cost, digits));
    return [
      {
        id: `frontier-${table.profile}-${table.experiment}-${cost.id}`,
        points: data,
        front: paretoFront(data).map(({ cost: x, score }) => ({ cost: x, score })),
        levels: levels.map(({ row, score }) => ({ score, label: `${row.method} ${score.toFixed(digits)}` })),
        costTitle: cost.title,
        ticks: cost.ticks,
        scoreTitle,
      },
    ];
  });
  return { charts, notes: charts.length === 0 ? [] : notes };
}

function datum(standing: Standing, cost: number, { format }: Cost, digits: number): FrontierDatum {
  const { row, score, deviation = 0 } = standing;
  const { colour, shape } = styleOf(row.key, row.method);
  const spread = standing.deviation === undefined ? '' : ` ± ${deviation.toFixed(digits)}`;
  return {
    ...{ label: row.method, colour, shape, cost, score },
    ...{ low: score - deviation, high: score + deviation, isOurs: row.key === 'psoft' },
    text: `${row.method}: ${score.toFixed(digits)}${spread}, ${format(cost)}`,
  };
}
