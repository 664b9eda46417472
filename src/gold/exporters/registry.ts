import type { Exporter } from './exporter.ts'
import { freqtrade } from './freqtrade.ts'
import { hive } from './hive.ts'
import { lean } from './lean.ts'
import { nautilus } from './nautilus.ts'
import { pandas } from './pandas.ts'

/** Every export format. To add one, add a file to this folder and a line here. */
export const EXPORTERS: readonly Exporter[] = [pandas, hive, freqtrade, nautilus, lean]
