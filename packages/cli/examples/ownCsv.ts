/**
 * Fine-tunes on one's own table, classes or scores, and predicts with what was learnt.
 *   tsx packages/cli/examples/ownCsv.ts --train reviews.csv                       # columns "text" and "label"
 *   tsx packages/cli/examples/ownCsv.ts --train pairs.tsv --text first --pair second --label score --regression
 *   tsx packages/cli/examples/ownCsv.ts --predict new.csv --out runs/own          # afterwards
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { getPeftModel, PeftModel, PsoftConfig } from '@psoft/adapter';
import { loadTextColumn } from '@psoft/datasets';
import {
  AutoModelForSequenceClassification,
  AutoTokenizer,
  ClassificationTrainer,
  classifyTexts,
  holdOut,
  loadLabelled,
} from '@psoft/training/quick';

const { values } = parseArgs({
  options: {
    train: { type: 'string' },
    validation: { type: 'string' },
    predict: { type: 'string' },
    text: { type: 'string', default: 'text' },
    pair: { type: 'string' },
    label: { type: 'string', default: 'label' },
    regression: { type: 'boolean', default: false },
    model: { type: 'string', default: 'packages/tiny-models/checkpoints/deberta-tiny' },
    out: { type: 'string', default: 'runs/own' },
    rank: { type: 'string', default: '32' },
    epochs: { type: 'string', default: '5' },
    'learning-rate': { type: 'string', default: '4e-3' },
  },
});
const {
  train: trainFile,
  predict,
  model: name,
  out,
  text: textColumn,
  label: labelColumn,
  regression,
} = values;
if ((trainFile === undefined) === (predict === undefined))
  throw new Error('give --train FILE or --predict FILE');
const columns = { textColumn, labelColumn, regression, ...(values.pair ? { pairColumn: values.pair } : {}) };
/** What the adapter's folder does not say: the names of the classes, null for scores. */
const labelsFile = path.join(out, 'labels.json');
const tokenizer = await AutoTokenizer.fromPretrained(name);

if (trainFile !== undefined) {
  const all = await loadLabelled(trainFile, columns);
  const { classes } = all;
  const known = classes === undefined ? {} : { classes };
  const { train, validation } = values.validation
    ? { train: all, validation: await loadLabelled(values.validation, { ...columns, ...known }) }
    : holdOut(all, { share: 0.2, seed: 1 });
  const base = await AutoModelForSequenceClassification.fromPretrained(name, known);
  const rank = Number(values.rank);
  const config = new PsoftConfig({
    r: rank,
    psoftAlpha: rank,
    targetModules: 'all-linear',
    taskType: 'SEQ_CLS',
  });
  const model = await getPeftModel(base, config);
  model.printTrainableParameters();
  const trainer = new ClassificationTrainer({
    model,
    tokenizer,
    train,
    validation,
    epochs: Number(values.epochs),
    batchSize: 16,
    learningRate: Number(values['learning-rate']),
    headLearningRate: 1e-3,
    warmupRatio: 0.1,
  });
  await trainer.train({
    onEpoch: ({ epoch, trainLoss, selection }) => {
      const [measured] = Object.entries(selection).map(([metric, value]) => `${metric} ${value.toFixed(1)}`);
      console.log(
        `epoch ${epoch}: loss ${trainLoss.toFixed(4)}, ${measured} on ${validation.examples.length} rows`,
      );
    },
  });
  await model.savePretrained(out);
  writeFileSync(labelsFile, JSON.stringify(classes ?? null));
  console.log(`saved: ${out}`);
} else {
  const classes = (JSON.parse(readFileSync(labelsFile, 'utf8')) as string[] | null) ?? undefined;
  const known = classes === undefined ? {} : { classes };
  const base = await AutoModelForSequenceClassification.fromPretrained(name, known);
  const model = await PeftModel.fromPretrained(base, out);
  const first = await loadTextColumn(predict!, { column: textColumn });
  const second = values.pair ? await loadTextColumn(predict!, { column: values.pair }) : undefined;
  const texts = first.map((text, i) => (second === undefined ? text : ([text, second[i]!] as const)));
  for (const { label, probabilities } of await classifyTexts(model, texts, { tokenizer, ...known }))
    console.log(probabilities === undefined ? label : `${label}\t${probabilities[label]!.toFixed(3)}`);
}
