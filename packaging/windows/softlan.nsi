; softlan-setup.exe: the installer for players, and the uninstaller in it. Compiled by make-installer, which
; defines VERSION, NUMBERS (VERSION as a.b.c.d), STAGE (folder of the programs), README, ICON, SIZE_KB, OUT, and
; DRIVER (folder) when there is a driver.
;
; All or nothing: new files are written beside the old ones, the programs are ended, the files are exchanged, and
; only then the old ones go. Exit statuses: docs/windows.md.

Unicode true
Target amd64-unicode
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel admin
SetCompressor /SOLID lzma
SetDateSave off
CRCCheck force

Name "SoftLAN"
OutFile "${OUT}"
BrandingText "SoftLAN ${VERSION}"
VIProductVersion "${NUMBERS}"
VIFileVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "SoftLAN"
VIAddVersionKey "FileDescription" "SoftLAN setup"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" ""

!include "LogicLib.nsh"
!include "FileFunc.nsh"
!include "WordFunc.nsh"
!include "WinMessages.nsh"
!include "WinVer.nsh"
!include "x64.nsh"
!include "MUI2.nsh"

; Only there: a service in a folder where others write would be theirs.
!define FOLDER "$PROGRAMFILES64\SoftLAN"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\SoftLAN"
!define LINK_KEY "Software\Classes\softlan"

!define STATUS_SYSTEM 3
!define STATUS_NEWER 4
!define STATUS_IN_USE 5
!define STATUS_FAILED 6
!define STATUS_ADAPTER 7
!define STATUS_TWICE 8

Var log         ; handle of the file of /LOG=, "" without
Var upgrade     ; 1: SoftLAN was there before
Var outcome     ; what the last page says

!include "say.nsh"
!include "checks.nsh"
!include "files.nsh"
!include "register.nsh"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_TEXT "$outcome"
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Start SoftLAN"
!define MUI_FINISHPAGE_RUN_FUNCTION StartWindow
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; By the player's own Explorer: the window runs without the installer's rights.
Function StartWindow
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\softlan.exe"'
FunctionEnd

Function .onInit
  SetRegView 64
  SetShellVarContext all
  StrCpy $INSTDIR "${FOLDER}"
  !insertmacro OpenLog
  !insertmacro RefuseTwice
  Call CheckSystem
  Call CheckVersion
FunctionEnd

Function .onInstFailed
  RMDir /r "$INSTDIR\new"
  RMDir "$INSTDIR"
FunctionEnd

Section "SoftLAN"
  Call RecoverFiles
  StrCpy $upgrade 0
  ${If} ${FileExists} "$INSTDIR\softlan-svc.exe"
    StrCpy $upgrade 1
  ${EndIf}
  Call StageFiles
  Call EndPrograms
  Call ExchangeFiles
  Call StartService
  Call Register
  RMDir /r "$INSTDIR\old"
  Call MakeAdapter
  RMDir /r "$INSTDIR\new"
SectionEnd

; Service and files are in place from here on: without an adapter SoftLAN is installed all the same.
Function MakeAdapter
  !ifdef DRIVER
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --adapter-create "$INSTDIR\new\driver"'
  !else
    !insertmacro Say "This installer was made without the TAP-Windows6 driver."
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --adapter-create'
  !endif
  ${If} $0 == 0
    StrCpy $outcome "SoftLAN is installed. Open the invite link of your host, or start SoftLAN from the start menu."
    !insertmacro Say "SoftLAN ${VERSION} is installed."
    Return
  ${EndIf}
  StrCpy $outcome "SoftLAN is installed, but it cannot connect yet: its network adapter is missing.$\r$\n$\r$\n$1"
  !insertmacro Say "SoftLAN ${VERSION} is installed, without its network adapter."
  !ifdef DRIVER
    SetErrorLevel ${STATUS_ADAPTER}
  !endif
FunctionEnd

; ---- uninstaller ----

Function un.onInit
  SetRegView 64
  SetShellVarContext all
  StrCpy $INSTDIR "${FOLDER}"
  !insertmacro OpenLog
  !insertmacro RefuseTwice
FunctionEnd

; The service puts back what it changed when it stops, --recover what a crash has left. What only the adapter could be
; given back goes with it, and --clean then has nothing to wait for.
Section "Uninstall"
  Call un.EndPrograms
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --remove'
  ${If} $0 != 0
    !insertmacro Fail ${STATUS_FAILED} "SoftLAN was not removed: $1"
  ${EndIf}
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --recover'
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --adapter-remove'
  ${If} $0 != 0
    SetErrorLevel ${STATUS_ADAPTER}
  ${EndIf}
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --clean'
  ${If} $0 != 0
    SetErrorLevel ${STATUS_ADAPTER}
  ${EndIf}
  Call un.Register
  Call un.DeleteOwnFiles
  Call un.DeleteFiles
SectionEnd
