/** The figures of a campaign as a table in Markdown. */
import { READ } from './judge.ts';
import type { TargetState } from './supervise.ts';

/** @param order of the targets */
export function summaryOf(states: readonly TargetState[], order: readonly string[]): string {
  const sorted = [...states].sort((a, b) => order.indexOf(a.target) - order.indexOf(b.target));
  const count = (value: number) => value.toLocaleString('en');
  const rows = sorted.map(({ target, done, outcomes, findings, seconds, blocks, kept }) => {
    const read = outcomes[READ.key] ?? 0;
    const cells = [
      target,
      count(done),
      count(read),
      Object.keys(outcomes).length,
      count(kept),
      count(blocks),
      findings.length,
      seconds.toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const sum = (of: (state: TargetState) => number) => sorted.reduce((total, one) => total + of(one), 0);
  return [
    '| target | inputs | read | distinct ends | kept | blocks reached | faults | seconds |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    `| all | ${count(sum(({ done }) => done))} | ${count(sum(({ outcomes }) => outcomes[READ.key] ?? 0))} | ${sum(({ outcomes }) => Object.keys(outcomes).length)} | | | ${sum(({ findings }) => findings.length)} | ${sum(({ seconds }) => seconds).toFixed(0)} |`,
  ].join('\n');
}
