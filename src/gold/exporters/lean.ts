import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LakehouseError } from '../../core/errors.ts'
import { quote } from '../../platform/duckdb/session.ts'
import { zipOne } from '../../platform/zip-writer.ts'
import { marketOf, tradedNames } from '../../sources/series.ts'
import type { Exporter } from './exporter.ts'

/** The resolutions that Lean supports. Minutes use one file per day, the others one file in all. */
const RESOLUTIONS: Readonly<Record<string, 'minute' | 'hour' | 'daily'>> = { '1m': 'minute', '1h': 'hour', '1d': 'daily' }

export const lean = {
  id: 'lean',
  meaning:
    'QuantConnect Lean: zipped CSV for its data folder: crypto/EXCHANGE/minute/btcusdt/YYYYMMDD_trade.zip; for futures cryptofuture/…; intervals 1m, 1h, 1d',
  async write({ session, rows, market, interval, folder }, symbol) {
    const resolution = RESOLUTIONS[interval]
    if (resolution === undefined)
      throw new LakehouseError('USAGE', `Lean does not support ${interval} bars: export a table of 1m, 1h or 1d bars`, {
        details: { interval },
      })
    const { amount } = tradedNames(market)
    const name = symbol.toLowerCase()
    const path = join(marketOf(market).kind === 'spot' ? 'crypto' : 'cryptofuture', market.exchange, resolution)
    const time = resolution === 'minute' ? 'epoch_ms(open_time) % 86400000' : "strftime(open_time, '%Y%m%d %H:%M')"
    const lines = await session.stream(
      `SELECT strftime(open_time, '%Y%m%d') AS day, concat_ws(',', ${time}, ${['open', 'high', 'low', 'close', amount].map((name) => `${name}::DECIMAL(38, 8)`).join(', ')}) AS line FROM (${rows}) WHERE symbol = ${quote(symbol)} ORDER BY open_time`,
    )
    const files: string[] = []
    let [day, text] = ['', '']
    const close = async () => {
      if (text === '') return
      const file = resolution === 'minute' ? join(path, name, `${day}_trade.zip`) : join(path, `${name}_trade.zip`)
      const entry = resolution === 'minute' ? `${day}_${name}_minute_trade.csv` : `${name}.csv`
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), zipOne(entry, Buffer.from(text)))
      files.push(file)
      text = ''
    }
    for (let chunk = await lines.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await lines.fetchChunk()) {
      const [days, values] = [chunk.getColumnValues(0) as string[], chunk.getColumnValues(1) as string[]]
      for (const [row, line] of values.entries()) {
        if (resolution === 'minute' && days[row] !== day) await close()
        day = days[row] ?? ''
        text += `${line}\n`
      }
    }
    await close()
    return files
  },
} as const satisfies Exporter
