import { describe, expect, test } from 'vitest';
import {
  COMMONSENSE_TEMPLATES,
  type CommonsenseTemplate,
  commonsenseEvaluationPrompt,
  commonsenseTrainingPrompt,
} from './prompts.ts';

const ASKED = { instruction: 'Is ice cold?\n\nAnswer format: true/false', input: '' };
const WITH_INPUT = { instruction: 'Is it cold?', input: 'It is ice.' };

/** Written out, with every space: LLM-Adapters' finetune.py and commonsense_evaluate.py, and PSOFT's own copies. */
const TRAINING: Readonly<Record<CommonsenseTemplate, readonly [string, string]>> = {
  released: [
    'Below is an instruction that describes a task. Write a response that appropriately completes the request.  \n\n                ### Instruction:\n                Is ice cold?\n\nAnswer format: true/false\n\n                ### Response:\n                ',
    'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request. \n\n                ### Instruction:\n                Is it cold?\n\n                ### Input:\n                It is ice.\n\n                ### Response:\n                ',
  ],
  upstream: [
    'Below is an instruction that describes a task. Write a response that appropriately completes the request.  \n\n                ### Instruction:\n                Is ice cold?\n\nAnswer format: true/false\n                \n                ### Response:\n                ',
    'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request. \n\n                ### Instruction:\n                Is it cold?\n                \n                ### Input:\n                It is ice.\n                \n                ### Response:\n                ',
  ],
  plain: [
    'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nIs ice cold?\n\nAnswer format: true/false\n\n### Response:\n',
    'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\nIs it cold?\n\n### Input:\nIt is ice.\n\n### Response:\n',
  ],
};

const INDENTED: readonly [string, string] = [
  'Below is an instruction that describes a task. Write a response that appropriately completes the request. \n\n                ### Instruction:\n                Is ice cold?\n\nAnswer format: true/false\n\n                ### Response:\n                ',
  'Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n                ### Instruction:\n                Is it cold?\n\n                ### Input:\n                It is ice.\n\n                ### Response:\n                ',
];
const EVALUATION: Readonly<Record<CommonsenseTemplate, readonly [string, string]>> = {
  released: INDENTED,
  upstream: INDENTED,
  plain: TRAINING.plain,
};

describe.each(COMMONSENSE_TEMPLATES)('%s', (template) => {
  test('training', () => {
    expect(commonsenseTrainingPrompt(ASKED, template)).toBe(TRAINING[template][0]);
    expect(commonsenseTrainingPrompt(WITH_INPUT, template)).toBe(TRAINING[template][1]);
  });
  test('evaluation', () => {
    expect(commonsenseEvaluationPrompt(ASKED, template)).toBe(EVALUATION[template][0]);
    expect(commonsenseEvaluationPrompt(WITH_INPUT, template)).toBe(EVALUATION[template][1]);
  });
  test('text that would mean something to a template is text', () => {
    const asked = { instruction: '{instruction} $& $1', input: '{input} $`' };
    for (const render of [commonsenseTrainingPrompt, commonsenseEvaluationPrompt]) {
      expect(render(asked, template)).toContain('{instruction} $& $1\n');
      expect(render(asked, template)).toContain('{input} $`\n');
    }
  });
});
