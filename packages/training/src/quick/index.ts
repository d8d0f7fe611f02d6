/** The shortest way from a pre-trained language model to a fine-tuned one. */
export { loadTextColumn, type TextColumnOptions } from '@psoft/datasets';
export { AutoModelForCausalLM, AutoTokenizer, type FromPretrainedOptions } from './auto.ts';
export { type GenerateTextOptions, generateText } from './generateText.ts';
export { type SftOptions, SftTrainer } from './sftTrainer.ts';
