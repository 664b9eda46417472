/** A filter from patterns with `*` and `?`; without patterns everything matches. `exact` holds the patterns when all are plain names, which need no listing. */
export function namePatterns(patterns: readonly string[]): { matches: (name: string) => boolean; exact: readonly string[] | undefined } {
  const isExact = (pattern: string) => !/[*?]/.test(pattern)
  const expressions = patterns.map((pattern) => {
    const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u')
  })
  return {
    matches: (name) => expressions.length === 0 || expressions.some((expression) => expression.test(name)),
    exact: patterns.length > 0 && patterns.every(isExact) ? patterns : undefined,
  }
}
