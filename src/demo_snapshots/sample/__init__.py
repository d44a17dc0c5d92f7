"""The sample application (Fragments): models, migrations, scenarios and the seeder.

It is one configuration among others: nothing outside this room knows its tables. Importing the
package itself imports nothing else.
"""
