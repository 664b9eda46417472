import { bars, indicator, scratch } from './indicator.ts'
import { typicalPrices } from './kernels/bars.ts'
import { windowSum } from './kernels/windows.ts'

export const mfi = indicator({
  id: 'mfi',
  name: 'Money flow index',
  meaning: 'share of the money that flowed while the typical price rose, 0–100; 0 where less than one unit flowed',
  parameters: { period: bars(14, 2) },
  inputs: ['high', 'low', 'close', 'volume'],
  outputs: ['mfi'],
  lookback: ({ period }) => period,
  reference: 'TA-Lib MFI (Quong, Soudack 1989)',
  create: ({ period }) => {
    const own = new Float64Array(2)
    const [inward, outward] = [windowSum(period), windowSum(period)]
    const [prices, flows, drains, gained, lost] = scratch(5) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
    return {
      memory: [own, ...inward.memory, ...outward.memory],
      run([high, low, close, volumes], [output], rows) {
        typicalPrices(high as Float64Array, low as Float64Array, close as Float64Array, prices, rows)
        const [volume, y] = [volumes, output] as [Float64Array, Float64Array]
        let last = own[1] as number
        for (let row = 0; row < rows; row++) {
          const price = prices[row] as number
          const flow = price * (volume[row] as number)
          const isFirst = row === 0 && own[0] === 0
          flows[row] = isFirst ? Number.NaN : price > last ? flow : 0
          drains[row] = isFirst ? Number.NaN : price < last ? flow : 0
          last = price
        }
        own[0] = 1
        own[1] = last
        inward.run([flows], [gained], rows)
        outward.run([drains], [lost], rows)
        for (let row = 0; row < rows; row++) {
          const all = (gained[row] as number) + (lost[row] as number)
          y[row] = all < 1 ? 0 : (100 * (gained[row] as number)) / all
        }
      },
    }
  },
})
