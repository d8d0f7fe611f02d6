export { imageTokens, parseVitConfig, type VitConfig, type VitFamily } from './config.ts';
export { vitForImageClassification } from './models.ts';
