/** A score against what it costs: each point a setting, a line through those that nothing cheaper reaches. */
import { type ChartSpecification, domainOf } from './specification.ts';
import { CONFIG, styleScales } from './theme.ts';

export interface FrontierPoint {
  /** Points of one series share a colour and a line. */
  readonly series: string;
  /** What tells it from the others of its series: "rank 8". */
  readonly label: string;
  /** Above 0: trained values, bytes, seconds. */
  readonly cost: number;
  readonly score: number;
  /** Of the score over seeds, where there are several. */
  readonly standardDeviation?: number;
}

export interface FrontierOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly costTitle: string;
  readonly scoreTitle: string;
  /** As of a loss; without it larger is better. */
  readonly isSmallerBetter?: boolean;
}

/** The points that no other one equals or beats in both cost and score, in the order of their cost. */
export function paretoFront<Point extends Pick<FrontierPoint, 'cost' | 'score'>>(
  points: readonly Point[],
  isSmallerBetter = false,
): Point[] {
  const gain = ({ score }: Point) => (isSmallerBetter ? -score : score);
  const sorted = [...points].sort((a, b) => a.cost - b.cost || gain(b) - gain(a));
  const front: Point[] = [];
  for (const point of sorted) if (front.length === 0 || gain(point) > gain(front.at(-1)!)) front.push(point);
  return front;
}

/**
 * Costs are on a logarithmic axis. The grey line joins the points of {@link paretoFront}.
 * @throws Error for no points, and for a cost that is not above 0
 */
export function frontier(points: readonly FrontierPoint[], options: FrontierOptions): ChartSpecification {
  if (points.length === 0) throw new Error('no point to draw: run some of the sweep first');
  const wrong = points.find(({ cost }) => !(cost > 0));
  if (wrong !== undefined)
    throw new Error(
      `a logarithmic axis shows costs above 0, got ${wrong.cost} of ${wrong.series}, ${wrong.label}`,
    );
  const { isSmallerBetter = false } = options;
  const scales = styleScales([...new Set(points.map(({ series }) => series))]);
  const x = {
    field: 'cost',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 24 },
    axis: { title: options.costTitle, format: '~s', tickCount: 6, grid: false },
  };
  const y = {
    field: 'score',
    type: 'quantitative',
    scale: { domain: domainOf(points.flatMap(reach)), nice: true },
    axis: { title: options.scoreTitle, tickCount: 6 },
  };
  const legend = { title: null, orient: 'bottom', columns: 3, symbolType: 'stroke', symbolSize: 900 };
  const color = { field: 'series', type: 'nominal', scale: scales.color, legend };
  const strokeDash = { field: 'series', type: 'nominal', scale: scales.strokeDash, legend };
  const spread = points.flatMap((point) =>
    point.standardDeviation === undefined ? [] : [{ ...point, low: reach(point)[0], high: reach(point)[1] }],
  );
  const layer = [
    {
      data: { values: paretoFront(points, isSmallerBetter).map(({ cost, score }) => ({ cost, score })) },
      mark: { type: 'line', strokeWidth: 6, color: '#d0d0d0', interpolate: 'linear' },
      encoding: { x, y },
    },
    {
      data: { values: spread },
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
    },
    {
      data: { values: points },
      mark: { type: 'line', strokeWidth: 2 },
      encoding: { x, y, color, strokeDash },
    },
    { data: { values: points }, mark: { type: 'circle', size: 50, opacity: 1 }, encoding: { x, y, color } },
    {
      data: { values: points },
      mark: { type: 'text', dy: -9, fontSize: 10, color: '#222222' },
      encoding: { x, y, text: { field: 'label', type: 'nominal' } },
    },
  ];
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${options.title}: ${options.scoreTitle} against ${options.costTitle}`,
    config: CONFIG,
    title: {
      text: options.title,
      subtitle: [
        options.subtitle,
        'grey: reached by nothing that costs less; bars: standard deviation over seeds',
      ],
    },
    width: 560,
    height: 340,
    layer: layer.filter(({ data }) => data.values.length > 0),
  } as ChartSpecification;
}

const reach = ({ score, standardDeviation = 0 }: FrontierPoint): [number, number] => [
  score - standardDeviation,
  score + standardDeviation,
];
