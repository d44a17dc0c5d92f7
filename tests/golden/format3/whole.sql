-- Demo Data Export
-- Format: 2
-- Scenario: general
-- Version: v2_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: 2765ffea4f79
-- Table vaults: id integer key, name text null, data binary null
-- Table todos: id integer key, vault_id integer null, next_id integer null, title text null
-- Total Vaults: 43
-- Total Todos: 4
-- Total Records: 47
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Cleanup existing demo data
DELETE FROM todos WHERE (id < 100);
DELETE FROM vaults WHERE (id < 100);

-- Vaults (43 records)
INSERT INTO vaults (id, name, data) VALUES
(1,'Mine',NULL),
(2,'Work',
/* /* */ X'0A0D' -- */ '\x0A0D'
),
(5,'it''s new',NULL),
(20,'vault 20',NULL),
(21,'vault 21',NULL),
(22,'vault 22',NULL),
(23,'vault 23',NULL),
(24,'vault 24',NULL),
(25,'vault 25',NULL),
(26,'vault 26',NULL),
(27,'vault 27',NULL),
(28,'vault 28',NULL),
(29,'vault 29',NULL),
(30,'vault 30',NULL),
(31,'vault 31',NULL),
(32,'vault 32',NULL),
(33,'vault 33',NULL),
(34,'vault 34',NULL),
(35,'vault 35',NULL),
(36,'vault 36',NULL),
(37,'vault 37',NULL),
(38,'vault 38',NULL),
(39,'vault 39',NULL),
(40,'vault 40',NULL),
(41,'vault 41',NULL),
(42,'vault 42',NULL),
(43,'vault 43',NULL),
(44,'vault 44',NULL),
(45,'vault 45',NULL),
(46,'vault 46',NULL),
(47,'vault 47',NULL),
(48,'vault 48',NULL),
(49,'vault 49',NULL),
(50,'vault 50',NULL),
(51,'vault 51',NULL),
(52,'vault 52',NULL),
(53,'vault 53',NULL),
(54,'vault 54',NULL),
(55,'vault 55',NULL),
(56,'vault 56',NULL),
(57,'vault 57',NULL),
(58,'vault 58',NULL),
(59,'vault 59',NULL);

-- Todos (4 records)
INSERT INTO todos (id, vault_id, next_id, title) VALUES
(10,1,NULL,'Call'),
(11,5,NULL,'Bought'),
(13,2,NULL,'Stay'),
(14,1,NULL,'Add');

-- Deferred references (2 updates)
UPDATE todos SET next_id=13 WHERE id=10;
UPDATE todos SET next_id=14 WHERE id=11;

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Verification
SELECT 'Vaults' AS type, COUNT(*) AS count, 43 AS expected FROM vaults WHERE (id < 100)
UNION ALL
SELECT 'Todos' AS type, COUNT(*) AS count, 4 AS expected FROM todos WHERE (id < 100);
COMMIT;
-- Content digest: sha256:3a6b822a82a43b5cda0d9085a536d47c85be93929a79be7367610a2a80bae094
-- Export completed successfully
