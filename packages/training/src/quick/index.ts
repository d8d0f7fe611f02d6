/** The shortest way from a pre-trained model and data of one's own to a fine-tuned model. */
export {
  classFolders,
  holdOut,
  type LabelledTexts,
  loadInstructions,
  loadLabelled,
  loadTextColumn,
  readVtabFolder as loadImageFolder,
  type TextColumnOptions,
} from '@psoft/datasets';
export {
  AutoImageProcessor,
  AutoModelForCausalLM,
  AutoModelForImageClassification,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  type ClassifierOptions,
  type FromPretrainedOptions,
} from './auto.ts';
export {
  type ClassificationSettings,
  ClassificationTrainer,
  type ImageClassificationOptions,
  ImageClassificationTrainer,
  type TextClassificationOptions,
} from './classification.ts';
export { type GenerateTextOptions, generateText } from './generateText.ts';
export { type ClassifyOptions, classifyTexts, type Prediction } from './predict.ts';
export { type SftOptions, SftTrainer } from './sftTrainer.ts';
