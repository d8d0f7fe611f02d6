export { type DebertaConfig, parseDebertaConfig, type RelativeAttention } from './config.ts';
export {
  debertaForMaskedLM,
  debertaForSequenceClassification,
  initialiseDeberta,
  initialiseDebertaHeads,
} from './models.ts';
