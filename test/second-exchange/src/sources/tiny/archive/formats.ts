import { DATASETS, type DatasetId } from '../../../datasets/registry.ts'
import type { ArchiveFormat } from '../../contract.ts'
import { csvColumns, type Published } from '../../csv/published.ts'
import { MARKETS, type Market } from '../markets.ts'

/** Other names and another order than the columns of the data set have. */
const LAYOUTS: Readonly<Partial<Record<DatasetId, readonly Published[]>>> = {
  klines: [
    { role: 'event_time', headers: ['begin'] },
    { role: 'close_time', headers: ['end'] },
    'open',
    'close',
    'high',
    'low',
    { role: 'trade_count', headers: ['trades'] },
    { role: 'amount', headers: ['amount'] },
    { role: 'value', headers: ['value'] },
    { role: 'taker_amount', headers: ['bought'] },
    { role: 'taker_value', headers: ['bought_value'] },
  ],
  trades: ['id', 'time', 'price', { role: 'amount' }, { role: 'value' }, 'is_buyer_maker'],
}

export function format(dataset: DatasetId, market: string): ArchiveFormat {
  const columns = DATASETS[dataset].columns(MARKETS[market as Market].units)
  return { columns: csvColumns(LAYOUTS[dataset] ?? [], columns), decoderVersion: 1 }
}
