/** Which profile is shown. The style sheet does the showing, by the radio buttons alone. */
import { all, memory } from './dom.ts';

const listeners: ((profile: string) => void)[] = [];

const radios = (): HTMLInputElement[] => all<HTMLInputElement>('input[name="profile"]');

export const currentProfile = (): string => radios().find(({ checked }) => checked)?.value ?? '';

export function chooseProfile(profile: string): void {
  const radio = radios().find(({ value }) => value === profile);
  if (radio === undefined || radio.checked) return;
  radio.checked = true;
  tell();
}

export function onProfile(listener: (profile: string) => void): void {
  listeners.push(listener);
}

export function startProfile(): void {
  for (const radio of radios()) radio.addEventListener('change', tell);
  // A link into the other profile leads there.
  const follow = () => {
    const target =
      location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    const profile = target?.closest<HTMLElement>('[data-profile]')?.dataset.profile;
    if (profile === undefined || profile === currentProfile()) return;
    chooseProfile(profile);
    target!.scrollIntoView();
  };
  addEventListener('hashchange', follow);
  follow();
}

const tell = () => {
  for (const listener of listeners) listener(currentProfile());
};

const theme = memory('psoft-report-theme');

export function startTheme(): void {
  const known = all<HTMLInputElement>('input[name="theme"]');
  const chosen = known.find(({ value }) => value === theme.read());
  if (chosen !== undefined) chosen.checked = true;
  for (const radio of known) radio.addEventListener('change', () => theme.write(radio.value));
}
