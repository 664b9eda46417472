/** Why a test on real files is skipped. */
export const REAL_DATA_OFF = 'real-data tests are off: LAKEHOUSE_DATA=FOLDER switches them on'
