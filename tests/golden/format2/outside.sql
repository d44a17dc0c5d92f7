-- Demo Data Export
-- Format: 2
-- Scenario: general
-- Version: v1_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: 0fb796747884
-- Table people: id integer key, name text null, country_id integer null, home_id integer null
-- Table homes: id integer key, owner_id integer
-- Include countries: id integer key, iso text, flag binary null
-- Included countries: 2
-- Total People: 3
-- Total Homes: 1
-- Total Records: 4
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Cleanup existing demo data
UPDATE people SET home_id=NULL WHERE (1 = 1);
DELETE FROM homes WHERE owner_id IN (SELECT id FROM (SELECT id FROM people WHERE (1 = 1)) AS demo);
DELETE FROM people WHERE (1 = 1);

-- Included countries (2 records)
INSERT INTO countries (id, iso, flag) SELECT 5,'DE',
/* /* */ X'00FF' -- */ '\x00FF'
 WHERE NOT EXISTS (SELECT 1 FROM countries WHERE id=5);
INSERT INTO countries (id, iso, flag) SELECT 6,
/* /* */ CAST(X'697427730D' AS CHAR) -- */ E'it''s\r'
,NULL WHERE NOT EXISTS (SELECT 1 FROM countries WHERE id=6);

-- People (3 records)
INSERT INTO people (id, name, country_id, home_id)
/* /* */ -- */ OVERRIDING SYSTEM VALUE
VALUES
(1,'Ada',5,NULL),
(2,'Ben',
(SELECT id FROM languages WHERE "it's"='de' AND region=1)
,NULL),
(3,'Cleo',
(SELECT id FROM languages WHERE "it's"='none')
,NULL);

-- Homes (1 record)
INSERT INTO homes (id, owner_id) VALUES
(10,1);

-- Deferred references (1 update)
UPDATE people SET home_id=10 WHERE id=1;

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Verification
SELECT 'People' AS type, COUNT(*) AS count, 3 AS expected FROM people WHERE (1 = 1)
UNION ALL
SELECT 'Homes' AS type, COUNT(*) AS count, 1 AS expected FROM homes WHERE owner_id IN (SELECT id FROM (SELECT id FROM people WHERE (1 = 1)) AS demo);
COMMIT;
-- Content digest: sha256:f057431a1ec963f55e12164542633b54601355bd943a4ae3a977a35705e6997e
-- Export completed successfully
