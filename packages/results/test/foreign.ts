/** Files as other programs write them, their values invented. */

export interface PeftOptions {
  readonly experiment?: string;
  readonly status?: 'success' | 'failed' | 'canceled';
  readonly error?: string;
  readonly peftConfig?: object | null;
  readonly isTested?: boolean;
}

/** One result of PEFT's method_comparison. */
export function peftResult(options: PeftOptions = {}) {
  const {
    experiment = 'psoft/llama-3.2-3B-default',
    status = 'success',
    error = '',
    isTested = true,
  } = options;
  const { peftConfig = { peft_type: 'PSOFT', r: 12, revision: null, target_modules: ['q_proj', 'v_proj'] } } =
    options;
  const row = (step: number, accuracy: number, loss: number, speed: number) => ({
    step,
    'valid accuracy': accuracy,
    'train loss': loss,
    'tokens / sec': speed,
  });
  const last = {
    step: 20,
    'test accuracy': 0.51,
    'train loss': 0.6,
    'train samples': 80,
    'train total tokens': 999,
    forgetting: 0.03,
  };
  return {
    run_info: {
      created_at: '2026-03-04T05:06:07+00:00',
      total_time: 900.5,
      experiment_name: experiment,
      peft_branch: 'main',
      train_config: {
        model_id: 'some/model',
        seed: 7,
        optimizer_kwargs: { lr: 2e-4 },
        attn_implementation: null,
      },
      peft_config: peftConfig,
      error_msg: error,
    },
    train_info: {
      accelerator_memory_reserved_avg: 20_000,
      accelerator_memory_max: 22_000,
      accelerator_memory_reserved_99th: 21_000,
      train_time: 800.25,
      file_size: 4321,
      num_trainable_params: 1234,
      num_total_params: 567890,
      status,
      metrics: [row(10, 0.3, 0.9, 100), row(20, 0.4, 0.7, 110), ...(isTested ? [last] : [])],
    },
    meta_info: {
      model_info: { sha: 'abc', created_at: '2024-01-01T00:00:00+00:00' },
      dataset_info: { metamath: { sha: 'def', created_at: '2024-01-01T00:00:00+00:00' } },
      package_info: { 'peft-version': '9.9.9', 'peft-commit-hash': null },
      system_info: { system: 'Linux', accelerator: 'some card' },
      pytorch_info: 'built with: this and that',
    },
  };
}

/** The table of runs of Weights & Biases, as its CSV export quotes it. */
export const WANDB_RUNS = `"Name","State","Notes","User","Tags","Created","Runtime","Sweep","seed","lr","method","use_dora","accuracy","loss"
"calm-sun-1","finished","-","me","a,b","2026-02-03T04:05:06.000Z","61","","3","0.001","psoft","false","81.25","0.5"
"odd ""name"", two","crashed","","me","","2026-02-03T05:00:00.000Z","7.5","","4","0.01","lora","true","","NaN"
"007","running","","me","","2026-02-04T00:00:00.000Z","1","","","0.01","lora","true","12","1"
`;

/** A chart of two runs, one of them sampled. */
export const WANDB_CHART = `"Step","calm-sun-1 - eval/accuracy","calm-sun-1 - eval/accuracy__MIN","calm-sun-1 - eval/accuracy__MAX","big - run - eval/accuracy","big - run - eval/accuracy__MIN","big - run - eval/accuracy__MAX"
"10","0.5","0.5","0.5","","",""
"20","0.625","0.625","0.625","0.25","0.125","0.375"
"30","NaN","NaN","NaN","0.5","0.5","0.5"
`;

/** `run.history().to_csv()` of the Python API. */
export const WANDB_HISTORY = `,loss,_step,_runtime,_timestamp,note,eval/accuracy
0,1.5,0,2.5,1780000000.0,begin,
1,0.75,100,12.5,1780000010.0,,0.5
2,inf,200,22.5,1780000020.0,,0.625
`;
