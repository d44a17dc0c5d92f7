-- Demo Data Export
-- Format: 2
-- Scenario: general
-- Version: v1_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: postgresql 15.18
-- Tool: demo-snapshots 0.1.0
-- Schema: bb74b65de9e0
-- Migration: 0001_initial
-- Table vaults: id integer key, name text, slug text, description text null, metadata json null, created_at timestamp null
-- Table fragments: id integer key, vault_id integer, type text, message text null, duplicate_of_id integer null, updated_at timestamp null
-- Total Vaults: 2
-- Total Fragments: 3
-- Breakdown fragments: {"chat_message": 1, "todo": 2}
-- Total Records: 5
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Cleanup existing demo data
DELETE FROM fragments WHERE vault_id IN (SELECT id FROM (SELECT id FROM vaults WHERE
/* /* */ /*!40101 CAST( */ CASE WHEN JSON_VALID(metadata) THEN CAST(JSON_EXTRACT(metadata,'$.demo_seed') AS CHAR) END /*!40101 AS BINARY) */ -- */ CAST(metadata AS jsonb)->>'demo_seed'
IN ('true','1','"true"','"1"')) AS demo);
DELETE FROM vaults WHERE
/* /* */ /*!40101 CAST( */ CASE WHEN JSON_VALID(metadata) THEN CAST(JSON_EXTRACT(metadata,'$.demo_seed') AS CHAR) END /*!40101 AS BINARY) */ -- */ CAST(metadata AS jsonb)->>'demo_seed'
IN ('true','1','"true"','"1"');

-- Vaults (2 records)
INSERT INTO vaults (id, name, slug, description, metadata, created_at) VALUES
(1,'Personal','personal','Home, health and holidays','{"demo_seed": true, "scenario": "general"}','2025-01-15 10:00:00'),
(2,'Work','work',NULL,'{"demo_seed": true, "scenario": "general"}','2025-01-15 10:00:00.25');

-- Fragments (3 records)
INSERT INTO fragments (id, vault_id, type, message, duplicate_of_id, updated_at) VALUES
(4,1,'todo','Pick up dry cleaning from Main Street by 6pm',NULL,'2025-01-15 10:00:00');
INSERT INTO fragments (id, vault_id, type, message, duplicate_of_id, updated_at) VALUES
(9,1,'todo','Don''t forget:
- the café
- 🚀',NULL,NULL),
(10,2,'chat_message','Shall we ship; on Friday?',9,'2025-01-15 11:00:00');

-- Deferred references (1 update)
UPDATE fragments SET duplicate_of_id=9, updated_at=updated_at WHERE id=4;

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;
/* /* */ -- */ SELECT setval(pg_get_serial_sequence('vaults','id'), GREATEST((SELECT max(id)+1 FROM vaults), nextval(pg_get_serial_sequence('vaults','id'))), false);
/* /* */ -- */ SELECT setval(pg_get_serial_sequence('fragments','id'), GREATEST((SELECT max(id)+1 FROM fragments), nextval(pg_get_serial_sequence('fragments','id'))), false);

-- Verification
SELECT 'Vaults' AS type, COUNT(*) AS count, 2 AS expected FROM vaults WHERE
/* /* */ /*!40101 CAST( */ CASE WHEN JSON_VALID(metadata) THEN CAST(JSON_EXTRACT(metadata,'$.demo_seed') AS CHAR) END /*!40101 AS BINARY) */ -- */ CAST(metadata AS jsonb)->>'demo_seed'
IN ('true','1','"true"','"1"')
UNION ALL
SELECT 'Fragments' AS type, COUNT(*) AS count, 3 AS expected FROM fragments WHERE vault_id IN (SELECT id FROM (SELECT id FROM vaults WHERE
/* /* */ /*!40101 CAST( */ CASE WHEN JSON_VALID(metadata) THEN CAST(JSON_EXTRACT(metadata,'$.demo_seed') AS CHAR) END /*!40101 AS BINARY) */ -- */ CAST(metadata AS jsonb)->>'demo_seed'
IN ('true','1','"true"','"1"')) AS demo);
COMMIT;
-- Content digest: sha256:e323abde9b43a40a1e47c3d9536e056ac938d907303b35bb755f59458cf70601
-- Export completed successfully
