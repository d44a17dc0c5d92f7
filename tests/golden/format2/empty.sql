-- Demo Data Export
-- Format: 2
-- Scenario: general
-- Version: v1_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: ac1326a38401
-- Table vaults: id integer key, name text null
-- Table numbers: id integer key, name text null
-- Total Vaults: 0
-- Total Numbers: 0
-- Total Records: 0
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Cleanup existing demo data
DELETE FROM numbers WHERE id IN (SELECT id FROM (SELECT id FROM vaults WHERE (1 = 1)) AS demo);
DELETE FROM vaults WHERE (1 = 1);

-- Vaults (0 records)

-- Numbers (0 records)

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Verification
SELECT 'Vaults' AS type, COUNT(*) AS count, 0 AS expected FROM vaults WHERE (1 = 1)
UNION ALL
SELECT 'Numbers' AS type, COUNT(*) AS count, 0 AS expected FROM numbers WHERE id IN (SELECT id FROM (SELECT id FROM vaults WHERE (1 = 1)) AS demo);
COMMIT;
-- Content digest: sha256:760feb7b01910263192beebfbe2eaeb6129139eb276b1735a6c8c8290ee4bfed
-- Export completed successfully
