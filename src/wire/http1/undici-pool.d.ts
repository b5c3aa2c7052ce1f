/** Types of undici's pool by itself: the whole package costs 15 MB and 130 ms more to load. */
declare module "undici/lib/dispatcher/pool.js" {
  import type { Pool } from "undici";
  const pool: typeof Pool;
  export default pool;
}
