/** Training times that the text states, against the arithmetic of the frozen weights. */
import { numberOf, type Paper, PaperError, type Row, TABLES, type TableName } from '../paper/index.ts';
import { linearsOf } from './architectures.ts';
import { float32Peak } from './devices.ts';
import { type Check, type Finding, rowOf, settingsOf, show, verdictOf } from './finding.ts';

export const wallTimes: Check = {
  name: 'wall-times',
  about:
    'training times in the text: more modules take longer, and how many tokens FP32 arithmetic leaves time for',
  run: (paper) => [...byModules(paper), ...paper.wall_times.map((row) => tokens(paper, row))],
};

/** Examples a model is trained on, and where its epochs and device stand. */
const TRAINED: Readonly<
  Record<
    string,
    { readonly examples: number; readonly results: TableName; readonly epochs: (paper: Paper) => string }
  >
> = {
  'LLaMA-3.2-3B': {
    examples: 40_000,
    results: 'table4_math',
    epochs: (paper) => rowOf(paper, 'table12_hparams_math', 'epochs').llama_3_2_3b,
  },
  'LLaMA-3.1-8B': {
    examples: 15_000,
    results: 'table5_commonsense',
    epochs: (paper) => rowOf(paper, 'table14_hparams_commonsense', 'epochs').llama_3_1_8b,
  },
};

function placeOf(row: Row<'wall_times'>) {
  return { table: TABLES.wall_times.title, cell: `PSOFT, ${row.label}`, judges: [], uses: [] };
}

function byModules(paper: Paper): Finding[] {
  return paper.wall_times.flatMap((row) =>
    paper.wall_times
      .filter(
        (other) =>
          other.model === row.model &&
          other.inserted_modules.length < row.inserted_modules.length &&
          other.inserted_modules.every((name) => row.inserted_modules.includes(name)),
      )
      .map(
        (other): Finding => ({
          ...placeOf(row),
          printed: `${row.minutes.text} min`,
          recomputed: `more than ${other.minutes.text} min (${other.inserted_modules.join(';')})`,
          rule: 'more adapted modules take longer',
          verdict: verdictOf((row.minutes.value ?? 0) > numberOf(other.minutes)),
        }),
      ),
  );
}

/** A frozen weight takes part in one product forward and one backward: four operations a token. */
function tokens(paper: Paper, row: Row<'wall_times'>): Finding {
  const trained = TRAINED[row.model];
  if (!trained)
    throw new PaperError(`wall_times.csv line ${row.line}: no training set of "${row.model}" is known`);
  const { device } = settingsOf(paper, trained.results);
  const peak = float32Peak(device);
  const all = linearsOf(row.model, ['Q', 'K', 'V', 'O', 'U', 'D', 'G']);
  const hidden = all[0]!.inFeatures;
  const weights = all.reduce((sum, one) => sum + one.inFeatures * one.outFeatures, 128_256 * hidden);
  const epochs = Number(trained.epochs(paper));
  const operations = numberOf(row.minutes) * 60 * peak * 1e12;
  const most = operations / (4 * weights * trained.examples * epochs);
  return {
    ...placeOf(row),
    printed: `${row.minutes.text} min`,
    recomputed: `at most ${show(most, 0)} tokens an example, mean`,
    rule: `4 operations a token and frozen weight, ${trained.examples} examples, ${epochs} epochs, ${peak} TFLOP/s in FP32 (${device}) without a pause`,
    verdict: 'cannot be decided',
    note: "depends on the data's mean length, which is not printed; an FP32 run reaches well below the peak",
  };
}
