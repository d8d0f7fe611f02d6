/** The figures, in the paper's order. */
import type { FigureSpec } from './model.ts';
import { figure9, figure10 } from './specs/angles.ts';
import { figure11 } from './specs/loss.ts';
import { figure4a } from './specs/memory.ts';
import { figure8a } from './specs/modules.ts';
import { figure8b } from './specs/neumann.ts';
import { figure4b } from './specs/speed.ts';
import { svdInitialisation } from './specs/svd.ts';
import { figure3 } from './specs/vectors.ts';

export const FIGURES: readonly FigureSpec[] = [
  ...[figure3, figure4a, figure4b, figure8a, figure8b, figure9, figure10, figure11],
  svdInitialisation,
];
