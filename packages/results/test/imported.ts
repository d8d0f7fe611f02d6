/** An imported record for tests, its values invented. */
import type { ImportedRecord } from '../src/imported/schema.ts';

export function importedSample(): ImportedRecord {
  return {
    schemaVersion: 1,
    importedFrom: {
      format: 'peft',
      file: 'psoft--llama-default.json',
      sha256: 'ab'.repeat(32),
      importedAt: '2026-11-24T09:00:00.000Z',
      leftOut: ['pytorch_info'],
    },
    runInfo: {
      name: 'psoft/llama-default',
      profile: 'imported',
      method: 'psoft',
      seed: 0,
      status: 'completed',
      trainConfig: { max_steps: 1000, dtype: 'bfloat16', attn_implementation: null },
      adapterConfig: { r: 256, target_modules: ['q_proj', 'v_proj'] },
    },
    trainInfo: {
      parameters: { trainable: 1_800_000, total: 3_200_000_000 },
      test: { 'test accuracy': 0.41, forgetting: 0.06 },
      series: [{ name: 'train loss', axis: 'step', steps: [250, 500, 1000], values: [1.1, 0.9, -0.0015] }],
    },
    metaInfo: { system_info: { accelerator: 'some card' } },
  };
}
