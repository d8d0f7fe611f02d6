/** The paper's figures, made from the results store. */

export type { ThemeName } from '../../charts/themes.ts';
export * from './build.ts';
export * from './captions.ts';
export * from './figures.ts';
export * from './machine.ts';
export type * from './model.ts';
export type { FigureRow, SourceRecords } from './source.ts';
