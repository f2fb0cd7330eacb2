// Times such as 500ms, 20s, 30m and 1h30m, in seconds.

const seconds = { ms: 0.001, s: 1, m: 60, h: 3600 };

export function inSeconds(text) {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const understood = parts.map(([part]) => part).join('');
  if (understood !== text || text === '') throw new Error(`"${text}" is no time: say 30s or 5m`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * seconds[unit], 0);
}
