/** How a method's own settings are written in a row's label. */

type Settings = Readonly<Record<string, unknown>>;

/** "r=32", "b=16", "b=8 m=2": as the paper writes them, of the settings that our runs had. */
export function settingText(method: string, settings: Settings): string {
  return (WRITERS[method] ?? (() => ''))(settings);
}

const rank = ({ r }: Settings) => (r === undefined ? '' : `r=${r}`);

const WRITERS: Readonly<Record<string, (settings: Settings) => string>> = {
  psoft: (settings) => [rank(settings), orthogonality(settings)].filter((part) => part !== '').join(' '),
  lora: rank,
  pissa: rank,
  dora: rank,
  'lora-xs': rank,
  vera: rank,
  svft: ({ pattern }) => (pattern === undefined || pattern === 'plain' ? 'P' : String(pattern)),
  oft: ({ oftBlockSize }) => `b=${oftBlockSize}`,
  boft: ({ boftBlockSize, boftNButterflyFactor }) => `b=${boftBlockSize} m=${boftNButterflyFactor}`,
};

function orthogonality({ psoftOrth, orthogonalityPenalty, psoftMagA, psoftMagB }: Settings): string {
  if (psoftOrth === false) return `gamma=${orthogonalityPenalty ?? 0}`;
  return psoftMagA === false && psoftMagB === false ? 'strict orthogonality' : '';
}

const MODULES: Readonly<Record<string, string>> = {
  q_proj: 'Q',
  k_proj: 'K',
  v_proj: 'V',
  o_proj: 'O',
  up_proj: 'U',
  down_proj: 'D',
  gate_proj: 'G',
};

/** "Q;K;V", as the paper abbreviates them; all linears are Llama's seven. */
export function modulesText({ targetModules }: Settings): string {
  if (targetModules === 'all-linear') return 'Q;K;V;U;D;O;G';
  return Array.isArray(targetModules)
    ? targetModules.map((name) => MODULES[String(name)] ?? String(name)).join(';')
    : '';
}
