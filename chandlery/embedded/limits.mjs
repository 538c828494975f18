// Numbers both threads must agree on.

/** Places in the shared array: a counter that wakes the engine's thread, and bytes it wrote that no client has taken. */
export const TURN = 0
export const OUT = 1

/** The engine writes in pieces of 8 KiB; they are handed over in pieces of this size. */
export const FLUSH_BYTES = 64 * 1024
/** How far the engine may write ahead of the client, and a client ahead of the engine. */
export const OUT_HIGH = 4 * 1024 * 1024
export const IN_HIGH = 4 * 1024 * 1024
/** What a message on its way takes beside its bytes: of small ones this is what has to be bounded. */
export const OVERHEAD = 1024

/** The longest startup packet (PostgreSQL's own bound), and the longest message but CopyData, which streams. */
export const STARTUP_MAX = 10_000
export const MESSAGE_MAX = 256 * 1024 * 1024

/** How far the log may grow until a checkpoint, in its files of a megabyte: what a start after a crash has to read. */
export const LOG_FILES = 256
