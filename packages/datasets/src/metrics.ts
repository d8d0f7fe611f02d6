/** Metrics of classification and regression tasks, as GLUE reports them, in per cent. */

type Numbers = ArrayLike<number>;

/** Correct predictions. */
export function accuracy(predicted: Numbers, actual: Numbers): number {
  checkLengths(predicted, actual);
  let right = 0;
  for (let i = 0; i < actual.length; i++) if (predicted[i] === actual[i]) right++;
  return (100 * right) / actual.length;
}

/** Matthews correlation of two classes (Matthews 1975); 0 when either side is constant, as in scikit-learn. */
export function matthewsCorrelation(predicted: Numbers, actual: Numbers): number {
  const { truePositive, falsePositive, falseNegative, trueNegative } = confusion(predicted, actual);
  const root = Math.sqrt(
    (truePositive + falsePositive) *
      (truePositive + falseNegative) *
      (trueNegative + falsePositive) *
      (trueNegative + falseNegative),
  );
  if (root === 0) return 0;
  return (100 * (truePositive * trueNegative - falsePositive * falseNegative)) / root;
}

/** Harmonic mean of precision and recall of class 1; 0 when it is never predicted and never right. */
export function f1(predicted: Numbers, actual: Numbers): number {
  const { truePositive, falsePositive, falseNegative } = confusion(predicted, actual);
  const sum = 2 * truePositive + falsePositive + falseNegative;
  return sum === 0 ? 0 : (200 * truePositive) / sum;
}

/** Pearson's correlation coefficient; 0 when either side is constant. */
export function pearson(predicted: Numbers, actual: Numbers): number {
  checkLengths(predicted, actual);
  const [meanX, meanY] = [mean(predicted), mean(actual)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const [x, y] = [predicted[i]! - meanX, actual[i]! - meanY];
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  return xx === 0 || yy === 0 ? 0 : (100 * xy) / Math.sqrt(xx * yy);
}

/** Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank. */
export function spearman(predicted: Numbers, actual: Numbers): number {
  return pearson(ranks(predicted), ranks(actual));
}

/** Metrics by the names that task entries use. */
export const METRICS = { accuracy, matthewsCorrelation, f1, pearson, spearman } as const;
export type MetricName = keyof typeof METRICS;

function confusion(predicted: Numbers, actual: Numbers) {
  checkLengths(predicted, actual);
  const counts = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
  for (let i = 0; i < actual.length; i++) {
    for (const one of [predicted[i]!, actual[i]!])
      if (one !== 0 && one !== 1) throw new Error(`a two-class metric needs classes 0 and 1, got ${one}`);
    if (predicted[i] === 1) counts[actual[i] === 1 ? 'truePositive' : 'falsePositive']++;
    else counts[actual[i] === 1 ? 'falseNegative' : 'trueNegative']++;
  }
  return counts;
}

function ranks(values: Numbers): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) result[order[i]!] = (start + end - 1) / 2 + 1;
    start = end;
  }
  return result;
}

function mean(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function checkLengths(predicted: Numbers, actual: Numbers): void {
  if (predicted.length !== actual.length || actual.length === 0)
    throw new Error(
      `a metric needs as many predictions as labels, at least one: got ${predicted.length} and ${actual.length}`,
    );
}
