-- Demo Data Export
-- Format: 2
-- Scenario: general
-- Version: v1_2025-01-15
-- Generated: 2025-01-15T10:30:00Z
-- Source: sqlite 3.40.1
-- Schema: 2282c359c506
-- Table every_kind: id integer key, amount decimal null, ratio float null, words text null, done boolean null, bytes binary null, token uuid null
-- Total Every Kind: 9
-- Total Records: 9
-- Load with demo import, which protects other rows; sqlite3 -bail, psql -v ON_ERROR_STOP=1 and mariadb load it too.

/*!40101 SET NAMES utf8mb4, SESSION sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES', SESSION time_zone='+00:00' */;
BEGIN;
/* /* */ -- */ SET LOCAL client_encoding='UTF8'; SET LOCAL standard_conforming_strings=on; SET LOCAL TIME ZONE 'UTC'; SET LOCAL IntervalStyle='postgres';
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

-- Cleanup existing demo data
DELETE FROM every_kind WHERE (1 = 1);

-- Every Kind (9 records)
INSERT INTO every_kind (id, amount, ratio, words, done, bytes, token) VALUES
(-9223372036854775808,-0.5,5e-324,'',TRUE,
/* /* */ X'' -- */ '\x'
,NULL),
(-1,1234567890.25,1.7976931348623157e+308,'''',FALSE,
/* /* */ X'00' -- */ '\x00'
,NULL),
(0,NULL,0.1,'),
(1,''x'');
-- \n \'' /* */ 	',NULL,
/* /* */ X'0D0A2700FF' -- */ '\x0D0A2700FF'
,NULL),
(1,0.25,0.30000000000000004,
/* /* */ CAST(X'610D0A62' AS CHAR) -- */ E'a\r\nb'
,NULL,NULL,NULL),
(2,1,1.0,
/* /* */ CAST(X'610062' AS CHAR) -- */ E'a\x00b'
,NULL,NULL,NULL),
(3,2,-1e+16,
/* /* */ CAST(X'01080B0C1B5B33316D275C7F' AS CHAR) -- */ E'\x01\b\x0b\f\x1b[31m''\\\x7f'
,NULL,NULL,NULL),
(4,3,2.5,'Ärger 表 👩‍🚀 ﻿',NULL,NULL,NULL),
(5,3,2.5,
/* /* */ CAST(X'C3A90DE8A1A80DF09F91A9E2808DF09F9A80090A' AS CHAR) -- */ E'é\r表\r👩‍🚀\t\n'
,NULL,NULL,NULL),
(9223372036854775807,4,3.5,'NULL',NULL,NULL,'3f2a9c41-d0be-4a6e-9d5c-0123456789ab');

/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Verification
SELECT 'Every Kind' AS type, COUNT(*) AS count, 9 AS expected FROM every_kind WHERE (1 = 1);
COMMIT;
-- Content digest: sha256:a98e94784f8e0d90187a397f22a8146e7b710c39bac541b5a3dac1243a5242c7
-- Export completed successfully
