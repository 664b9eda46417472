import { isAbsolute, join, relative } from 'node:path'

const NAME = 'crypto-lakehouse'

/**
 * How a user calls the program from `folder`. In a clone this is the path of the launcher: relative when the launcher lies below the folder, absolute otherwise.
 * In an installed package it is `npx` and the name, or the name alone.
 */
export function programName(moduleFolder: string, folder: string, environment: NodeJS.ProcessEnv): string {
  const [, root] = /^(.*?)[/\\](?:\.cache[/\\]bundles|src[/\\]cli)(?:[/\\]|$)/.exec(moduleFolder) ?? []
  if (root === undefined) return environment['npm_command'] === 'exec' ? `npx ${NAME}` : NAME
  const launcher = join(root, 'bin', NAME)
  const near = relative(folder, launcher)
  return near.startsWith('..') || isAbsolute(near) ? launcher : near
}

/** Rewrites the commands in a text so that a user can run them as printed. */
export function asTyped(text: string, program: string): string {
  return text.replaceAll(/(?<![\w/.])crypto-lakehouse (?=[a-z])/g, `${program} `)
}
