import { isAbsolute, join, relative } from 'node:path'

const NAME = 'crypto-lakehouse'

/**
 * How the program is called from a folder: by the launcher of the clone that it runs from (relative where that lies in the folder), by npx, or by its name alone.
 */
export function programName(moduleFolder: string, folder: string, environment: NodeJS.ProcessEnv): string {
  const [, root] = /^(.*?)[/\\](?:\.cache[/\\]bundles|src[/\\]cli)(?:[/\\]|$)/.exec(moduleFolder) ?? []
  if (root === undefined) return environment['npm_command'] === 'exec' ? `npx ${NAME}` : NAME
  const launcher = join(root, 'bin', NAME)
  const near = relative(folder, launcher)
  return near.startsWith('..') || isAbsolute(near) ? launcher : near
}

/** A text for people in which commands can be run as they are printed. */
export function asTyped(text: string, program: string): string {
  return text.replaceAll(/(?<![\w/.])crypto-lakehouse (?=[a-z])/g, `${program} `)
}
