export { type DebertaConfig, parseDebertaConfig, type RelativeAttention } from './config.ts';
export {
  debertaForMaskedLM,
  debertaForSequenceClassification,
} from './models.ts';
