import type { Exporter } from './exporter.ts'
import { freqtrade } from './freqtrade.ts'
import { hive } from './hive.ts'
import { lean } from './lean.ts'
import { nautilus } from './nautilus.ts'
import { pandas } from './pandas.ts'

/** Every tool that bars are exported to. A new one is a file beside this and a line here. */
export const EXPORTERS: readonly Exporter[] = [pandas, hive, freqtrade, nautilus, lean]
