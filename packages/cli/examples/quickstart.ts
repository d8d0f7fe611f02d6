/**
 * PEFT's example of PSOFT in TypeScript: a language model is adapted, fine-tuned on texts, saved and loaded again.
 *   tsx packages/cli/examples/quickstart.ts                              # facebook/opt-125m on imdb, from the Hub
 *   tsx packages/cli/examples/quickstart.ts MODEL_FOLDER TEXTS.txt OUT   # any OPT or Llama, any texts, offline
 */
import { getPeftModel, PeftModel, PsoftConfig } from '@psoft/adapter';
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  generateText,
  loadTextColumn,
  SftTrainer,
} from '@psoft/training/quick';

const [name = 'facebook/opt-125m', data = 'imdb', out = 'runs/psoft-opt-125m'] = process.argv.slice(2);

const model = await AutoModelForCausalLM.fromPretrained(name);
const tokenizer = await AutoTokenizer.fromPretrained(name);
const config = new PsoftConfig({ r: 32, targetModules: 'all-linear', taskType: 'CAUSAL_LM' });
const adapted = await getPeftModel(model, config);
adapted.printTrainableParameters();
console.log('before:', await generateText(adapted, tokenizer, 'This movie'));

const texts = await loadTextColumn(data, { column: 'text', limit: 250 });
const trainer = new SftTrainer({ model: adapted, tokenizer, texts, maxLength: 128, learningRate: 3e-3 });
await trainer.train({ onEpoch: ({ epoch, trainLoss }) => console.log(`epoch ${epoch}: loss ${trainLoss}`) });
console.log('after:', await generateText(adapted, tokenizer, 'This movie'));

await adapted.savePretrained(out);
const again = await PeftModel.fromPretrained(await AutoModelForCausalLM.fromPretrained(name), out);
console.log('loaded:', await generateText(again, tokenizer, 'This movie'));
