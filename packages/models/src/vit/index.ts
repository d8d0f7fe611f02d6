export { imageTokens, parseVitConfig, type VitConfig, type VitFamily } from './config.ts';
export { initialiseVit, initialiseVitHeads, vitForImageClassification } from './models.ts';
